"""How this program connects to SQLite, and which of SQLite's errors mean that it cannot be reached.

A connection waits five seconds for another process's lock, or as long as the address says:
`sqlite:////path/to/file.db?timeout=30`.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from adapters.database.sqlite.driver import SqliteDriver
from domain.errors import Unavailable

# `isolation_level=None` keeps Python's sqlite3 from beginning and ending transactions by itself.
OWN_TRANSACTIONS = {"isolation_level": None}

WRITING = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    # In KiB: a turn touches pages all over the indexes of random ids.
    "PRAGMA cache_size = -16384",
    # The undo journal of a savepoint belongs in memory, not in a file.
    "PRAGMA temp_store = MEMORY",
)
READING = ("PRAGMA query_only = ON",)

WAL_ATTEMPTS, WAL_PAUSE = 100, 0.05
KIND = 0xFF  # of SQLite's extended error codes, the low byte is the kind
OF_THE_ROW = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG})
"""Every other error is the database's own."""
log = logging.getLogger(__name__)


def connect_to_write(url: URL) -> sqlite3.Connection:
    connection = connect(url)
    use_write_ahead_log(connection)
    prepare(connection, WRITING)
    return connection


def connect_to_read(url: URL) -> sqlite3.Connection:
    connection = connect(url)
    prepare(connection, READING)
    return connection


def connect(url: URL) -> sqlite3.Connection:
    """May be handed to another thread; whoever holds it begins and commits."""
    (file,), options = SqliteDriver.dialect.create_connect_args(url)
    own: dict[str, Any] = {**options, **OWN_TRANSACTIONS}
    connection: sqlite3.Connection = sqlite3.connect(file, **own)
    return connection


def prepare(connection: sqlite3.Connection, pragmas: Sequence[str]) -> None:
    for pragma in pragmas:
        connection.execute(pragma)


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """The file stays in this mode, so only a new file changes it.

    For that change SQLite does not wait for locks by itself, and another server may be starting.
    """
    for patience in range(WAL_ATTEMPTS, 0, -1):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or patience == 1:
                raise
            time.sleep(WAL_PAUSE)
        else:
            return


def empty_log(url: URL) -> None:
    """Copies the write-ahead log into the database and empties its file. Blocks while others read what is in it.

    Raises `Unavailable` when somebody reads for longer than a connection waits.
    """
    with unavailable_when_unreachable():
        connection = connect_to_write(url)
        try:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.close()
    if busy:
        raise Unavailable("The database is being read; its log can be emptied only afterwards.")


def begin_with(engine: Engine, command: str) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(command)


def name_of(error: BaseException) -> str:
    """What may be logged of an error: its text may quote a visitor."""
    cause = driver_error(error)
    return str(getattr(cause, "sqlite_errorname", type(cause).__name__))


def driver_error(error: BaseException) -> BaseException:
    """What SQLite said, without what SQLAlchemy adds: that quotes the values of the statement."""
    return error.orig or error if isinstance(error, DBAPIError) else error


def unavailable(error: BaseException) -> Unavailable | None:
    """`Unavailable` when SQLite could not do what it was rightly asked; None for any other error."""
    code = getattr(driver_error(error), "sqlite_errorcode", None)
    if code is None or code & KIND in OF_THE_ROW:
        return None
    log.error("SQLite refused: %s", name_of(error))
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
