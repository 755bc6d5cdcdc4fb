"""The stores under contract."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import make_url

from adapters.database.postgres.store import open_postgres
from domain.tables import Store
from tests.parts import sqlite
from tests.parts.postgres import Postgres


@dataclass(frozen=True)
class Database:
    """What it raises where the port names no error, since only a mistake of ours leads there.

    `refusal`: for a row that breaks a constraint. `read_only`: for a read that writes.
    """

    open: Callable[[], AbstractAsyncContextManager[Store]]
    refusal: type[Exception]
    read_only: type[Exception]


SQLITE = Database(sqlite.new_store, sqlite3.IntegrityError, sqlite3.OperationalError)


def in_postgres(server: Postgres) -> Database:
    @asynccontextmanager
    async def new_store() -> AsyncIterator[Store]:
        async with server.database() as url, open_postgres(make_url(url)) as store:
            yield store

    return Database(new_store, asyncpg.IntegrityConstraintViolationError, asyncpg.ReadOnlySQLTransactionError)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    if request.param == "sqlite":
        return SQLITE
    return in_postgres(request.getfixturevalue("postgres"))


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with database.open() as store:
        yield store
