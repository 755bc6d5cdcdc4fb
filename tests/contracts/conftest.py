"""The stores under contract."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from adapters.database.store import open_store
from domain.tables import Store
from tests.fakes.store import ConstraintBroken, MemoryStore
from tests.parts.postgres import Postgres


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


def in_postgres(server: Postgres) -> Database:
    @asynccontextmanager
    async def open_postgres(_directory: Path) -> AsyncIterator[Store]:
        async with server.database() as url, open_store(url) as store:
            yield store

    return Database(open_postgres, asyncpg.IntegrityConstraintViolationError, asyncpg.ReadOnlySQLTransactionError)


@pytest.fixture(params=[*DATABASES, "postgresql"])
def database(request: pytest.FixtureRequest, postgres: Postgres) -> Database:
    return DATABASES.get(request.param) or in_postgres(postgres)


@pytest.fixture
async def store(database: Database, tmp_path: Path) -> AsyncIterator[Store]:
    async with database.open(tmp_path) as store:
        yield store
