"""How this program connects to PostgreSQL, and which of PostgreSQL's errors mean what."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from sqlalchemy import URL, event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from domain.errors import Unavailable

CONNECTIONS = 10
CONNECT_SECONDS, COMMAND_SECONDS = 5.0, 30.0
PARAMETERS = {"host": "host", "port": "port", "sslmode": "ssl"}
"""What an address may have behind its question mark, and what asyncpg calls it."""

LOST = ("08", "57P")
"""Beginnings of SQLSTATE codes: connections, a server that stops or starts."""
UNREACHABLE = ("28", "3D000", "40001", "40P01", "53", "55P03", "57014", "58")
"""Beginnings of SQLSTATE codes: authorization, a database that is missing, transactions that
lost against others too often, resources, locks, cancelled statements, the server's own system."""

RETRIES = {"40001": 5, "40P01": 5, "23505": 1}
"""How often a transaction is tried again: serialization, deadlock, a unique value.

Somebody else may have stored the unique value a moment ago; the second time the work sees their row.
"""


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
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": command_seconds,
            "server_settings": {"application_name": "avatarium"},
        },
        json_deserializer=orjson.loads,
        hide_parameters=True,
        **options,
    )


def replace_closed_connections(engine: AsyncEngine) -> None:
    """After the server has restarted, no caller gets one of the connections from before.

    asyncpg knows when the server has hung up, which saves the question to the server at each checkout.
    """

    @event.listens_for(engine.sync_engine, "checkout")
    def refuse_closed(_connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        if is_closed(record.driver_connection):
            raise InvalidatePoolError


def is_closed(driver_connection: Any) -> bool:
    return bool(driver_connection.is_closed())


def driver_error(error: Exception) -> BaseException:
    return error.orig or error if isinstance(error, DBAPIError) else error


def sqlstate(error: Exception) -> str:
    return getattr(driver_error(error), "sqlstate", None) or ""


def is_loss(error: Exception) -> bool:
    """Whether the server said goodbye. asyncpg may be confused by that in the middle of its own affairs."""
    confused = isinstance(driver_error(error), AsyncAdapt_asyncpg_dbapi.InternalClientError)
    return confused or sqlstate(error).startswith(LOST)


def is_outdated(error: Exception) -> bool:
    """Whether the connection's prepared statements no longer fit the schema, which a newer server has changed."""
    return isinstance(driver_error(error), AsyncAdapt_asyncpg_dbapi.InvalidCachedStatementError)


def retries_for(error: Exception) -> int:
    if is_outdated(error):
        return CONNECTIONS  # any of which may be
    return 1 if isinstance(error, ConnectionLost) else RETRIES.get(sqlstate(error), 0)


@contextmanager
def unavailable_when_unreachable() -> Iterator[None]:
    """Raises `Unavailable` when PostgreSQL could not do what it was rightly asked."""
    try:
        yield
    except Exception as error:
        if isinstance(error, ConnectionLost | OSError) or is_loss(error) or sqlstate(error).startswith(UNREACHABLE):
            raise Unavailable("The database cannot be used right now. Try again in a moment.") from error
        raise
