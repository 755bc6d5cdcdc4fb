"""How this program connects to PostgreSQL, and which of PostgreSQL's errors mean what."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import orjson
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.database.postgres.driver import PostgresDriver
from domain.errors import Unavailable

CONNECTIONS = 10
CONNECT_SECONDS, COMMAND_SECONDS = 5.0, 30.0
PATIENCE, WAIT_SECONDS, LOCK_SECONDS = 5.0, 3.0, 1.5
"""How long a work may take, how much of that it may wait for a connection, and how much for each lock.

`COMMAND_SECONDS` is for statements that take long by themselves, and for what the server still does of a work that was
given up. A lock that is held for long elsewhere must not keep all connections.
"""
PARAMETERS = {"host": "host", "port": "port", "sslmode": "ssl"}
"""What an address may have behind its question mark, and what asyncpg calls it."""

LOST = ("08", "57P")
"""Beginnings of SQLSTATE codes: connections, a server that stops or starts."""
OF_THE_ROW = ("22", "23")
"""Beginnings of SQLSTATE codes: values that no column takes, constraints. Every other error is the database's own."""
READ_ONLY = "25006"

RETRIES = {"40001": 5, "40P01": 5, "23505": 1, READ_ONLY: 1}
"""How often a transaction is tried again: serialization, deadlock, a unique value, a database that was read-only.

Somebody else may have stored the unique value a moment ago; the second time the work sees their row.
"""
log = logging.getLogger(__name__)


class ConnectionLost(Exception):
    """The connection broke before the commit was asked for, so nothing was stored."""


def postgres_url(url: URL) -> URL:
    """As asyncpg takes it. Raises `ValueError`, which repeats nothing of the address."""
    if not url.query.keys() <= PARAMETERS.keys():
        raise ValueError(f"Behind its ? the database's address takes {', '.join(PARAMETERS)} only.")
    query = {PARAMETERS[name]: value for name, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=query)


def postgres_engine(url: URL, command_seconds: float | None = COMMAND_SECONDS, **options: Any) -> AsyncEngine:
    return create_async_engine(
        postgres_url(url),
        connect_args=connect_options(command_seconds),
        hide_parameters=True,
        **options,
    )


def postgres_pool(url: URL) -> asyncpg.Pool:
    """To be entered. Connects when somebody asks, and replaces connections that were closed meanwhile."""
    return asyncpg.create_pool(
        **address_of(url),
        **connect_options(COMMAND_SECONDS),
        min_size=0,
        max_size=CONNECTIONS,
        max_inactive_connection_lifetime=0,
        init=prepare,
        reset=keep,
    )


async def connect_alone(url: URL) -> asyncpg.Connection:
    """A connection of its own, without limits of time."""
    return await asyncpg.connect(**address_of(url), **connect_options(None))


def address_of(url: URL) -> dict[str, Any]:
    return dict(PostgresDriver.dialect.create_connect_args(postgres_url(url))[1])


def connect_options(command_seconds: float | None) -> dict[str, Any]:
    return {
        "timeout": CONNECT_SECONDS,
        "command_timeout": command_seconds,
        "server_settings": {"application_name": "avatarium"},
    }


async def prepare(connection: asyncpg.Connection) -> None:
    """Without PostgreSQL's compiler, which takes tens of milliseconds for a search of a few.

    A pooler such as PgBouncer would refuse these as parameters of the connection.
    """
    await connection.execute(
        f"SET jit TO off; SET lock_timeout TO {LOCK_SECONDS * 1000:.0f}; "
        f"SET statement_timeout TO {COMMAND_SECONDS * 1000:.0f}"
    )
    await connection.set_type_codec("json", schema="pg_catalog", encoder=str, decoder=orjson.loads)


async def keep(_connection: asyncpg.Connection) -> None:
    """What asyncpg resets by itself suffices: it rolls back, and nothing else outlasts a transaction."""


def driver_error(error: Exception) -> BaseException:
    return error.orig or error if isinstance(error, DBAPIError) else error


def sqlstate(error: Exception) -> str:
    return getattr(driver_error(error), "sqlstate", None) or ""


def is_loss(error: Exception) -> bool:
    """Whether the server said goodbye, or nothing in time.

    asyncpg may be confused by a goodbye in the middle of its own affairs.
    """
    return isinstance(error, asyncpg.InternalClientError | TimeoutError) or sqlstate(error).startswith(LOST)


def is_closed(connection: asyncpg.Connection) -> bool:
    """The pool takes a connection that was closed out of its user's hands."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


def is_outdated(error: Exception) -> bool:
    """Whether the connection's prepared statements no longer fit the schema, which a newer server has changed."""
    return isinstance(error, asyncpg.InvalidCachedStatementError)


def retries_for(error: Exception) -> int:
    if is_outdated(error):
        return CONNECTIONS  # any of which may be
    return 1 if isinstance(error, ConnectionLost) else RETRIES.get(sqlstate(error), 0)


def is_read_only(error: Exception) -> bool:
    """A server that was demoted, or that its provider closed for writing."""
    return sqlstate(error) == READ_ONLY


def is_of_the_database(error: Exception) -> bool:
    """Whether it could not do what it was asked."""
    found = driver_error(error)
    if isinstance(found, ConnectionLost | OSError | asyncpg.InternalClientError):
        return True
    told = isinstance(error, DBAPIError) or isinstance(found, asyncpg.PostgresError | asyncpg.InterfaceError)
    return told and not sqlstate(error).startswith(OF_THE_ROW)


@contextmanager
def unavailable_when_unreachable(*, writes: bool = True) -> Iterator[None]:
    """Raises `Unavailable` when PostgreSQL could not do what it was rightly asked; a read may not write."""
    try:
        yield
    except Exception as error:
        if not is_of_the_database(error) or (is_read_only(error) and not writes):
            raise
        if state := sqlstate(error):
            log.error("PostgreSQL refused: %s", state)
        raise Unavailable("The database cannot be used right now. Try again in a moment.") from error
