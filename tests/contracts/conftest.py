"""The stores under contract."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest

from adapters.database.store import open_store
from domain.tables import Store
from tests.parts.postgres import Postgres
from tests.parts.sqlite import new_store


@dataclass(frozen=True)
class Database:
    """What it raises where the port names no error, since only a mistake of ours leads there.

    `refusal`: for a row that breaks a constraint. `read_only`: for a read that writes.
    """

    open: Callable[[], AbstractAsyncContextManager[Store]]
    refusal: type[Exception]
    read_only: type[Exception]


SQLITE = Database(new_store, sqlite3.IntegrityError, sqlite3.OperationalError)


def in_postgres(server: Postgres) -> Database:
    @asynccontextmanager
    async def open_postgres() -> AsyncIterator[Store]:
        async with server.database() as url, open_store(url) as store:
            yield store

    return Database(open_postgres, asyncpg.IntegrityConstraintViolationError, asyncpg.ReadOnlySQLTransactionError)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    if request.param == "sqlite":
        return SQLITE
    return in_postgres(request.getfixturevalue("postgres"))


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with database.open() as store:
        yield store
