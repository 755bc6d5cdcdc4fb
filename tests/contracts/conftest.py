"""The stores under contract. A further database is one more entry in `DATABASES`."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.sql_store import open_store
from domain.ports import Store
from tests.fakes.store import ConstraintBroken, MemoryStore


@dataclass(frozen=True)
class Database:
    """What it raises where the port names no error, since only a mistake of ours leads there.

    `refusal`: for a row that breaks a constraint. `read_only`: for a read that writes.
    """

    open: Callable[[Path], AbstractAsyncContextManager[Store]]
    refusal: type[Exception]
    read_only: type[Exception]


@asynccontextmanager
async def open_memory(_directory: Path) -> AsyncIterator[Store]:
    store = MemoryStore()
    yield store
    store.close()


def open_sqlite(directory: Path) -> AbstractAsyncContextManager[Store]:
    return open_store(f"sqlite:///{directory / 'avatarium.db'}")


DATABASES = {
    "memory": Database(open_memory, ConstraintBroken, ConstraintBroken),
    "sqlite": Database(open_sqlite, sqlite3.IntegrityError, sqlite3.OperationalError),
}


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Database:
    return DATABASES[request.param]


@pytest.fixture
async def store(database: Database, tmp_path: Path) -> AsyncIterator[Store]:
    async with database.open(tmp_path) as store:
        yield store
