"""How this program connects to SQLite, and which of SQLite's errors mean that it cannot be reached.

A connection waits five seconds for another process's lock, or as long as the address says:
`sqlite:////path/to/file.db?timeout=30`.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from domain.errors import Unavailable

# `isolation_level=None` keeps Python's sqlite3 from beginning and ending transactions by itself.
OWN_TRANSACTIONS = {"isolation_level": None}

WRITING = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    # The undo journal of a savepoint belongs in memory, not in a file.
    "PRAGMA temp_store = MEMORY",
)
READING = ("PRAGMA query_only = ON",)

WAL_ATTEMPTS, WAL_PAUSE = 100, 0.05
KIND = 0xFF  # of SQLite's extended error codes, the low byte is the kind
UNREACHABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def writing_engine(url: URL) -> Engine:
    """Connections that may be handed to another thread; whoever holds one begins and commits."""
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        poolclass=NullPool,
        connect_args={**OWN_TRANSACTIONS, "check_same_thread": False},
        json_deserializer=orjson.loads,
    )
    event.listen(engine, "connect", use_write_ahead_log)
    prepare_with(engine, WRITING)
    return engine


def use_write_ahead_log(connection: DBAPIConnection, _record: object) -> None:
    """The file stays in this mode, so only a new file changes it.

    For that change SQLite does not wait for locks by itself, and another server may be starting.
    """
    for patience in range(WAL_ATTEMPTS, 0, -1):
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or patience == 1:
                raise
            time.sleep(WAL_PAUSE)
        else:
            return


def prepare_with(engine: Engine, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()


def begin_with(engine: Engine, command: str) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(command)


def driver_error(error: BaseException) -> BaseException:
    """What SQLite said, without what SQLAlchemy adds: that quotes the values of the statement."""
    return error.orig or error if isinstance(error, DBAPIError) else error


def unavailable(error: BaseException) -> Unavailable | None:
    """`Unavailable` when SQLite could not do what it was rightly asked; None for any other error."""
    if getattr(driver_error(error), "sqlite_errorcode", 0) & KIND not in UNREACHABLE:
        return None
    found = Unavailable("The database cannot be used right now. Try again in a moment.")
    found.__cause__ = error
    return found


@contextmanager
def unavailable_when_unreachable() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, DBAPIError) as error:
        if found := unavailable(error):
            raise found from error
        raise
