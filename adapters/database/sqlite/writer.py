"""The one thread that writes to SQLite, with group commit.

SQLite takes one writer at a time, and making a transaction durable costs more than its statements.
So all the work that waits shares one transaction: each piece in a savepoint of its own, then one
commit, and only then does anybody hear of a success.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty
from threading import Thread
from typing import TypeVar

from adapters.database.sqlite.connections import driver_error, unavailable
from adapters.database.sqlite.driver import SqliteDriver
from adapters.database.sqlite.work import Job, Jobs, done, settle
from adapters.database.tx import SqlTx
from domain.errors import Unavailable
from domain.tables import Tx

T = TypeVar("T")
BATCH = 128
log = logging.getLogger(__name__)


class TransactionLost(Exception):
    """SQLite has rolled everything back by itself, as it may after errors such as a full disk."""


class SqliteWriter:
    """Belongs to the event loop in which it was made. From then on the connection is the thread's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tx = SqlTx(SqliteDriver(connection), writes=True)
        self._loop = asyncio.get_running_loop()
        self._jobs: Jobs = Jobs()
        self._thread = Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await done(self._jobs, work)

    async def close(self) -> None:
        """Does all the work that waits, and leaves nothing in the write-ahead log."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        closing = False
        while not closing:
            taken = self._waiting()
            jobs = [job for job in taken if job]
            closing = len(jobs) < len(taken)
            if jobs:
                self._commit(jobs)
            self._loop.call_soon_threadsafe(settle, jobs)
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _waiting(self) -> list[Job | None]:
        """Waits for a job and takes those behind it. None is the wish to close, and the last."""
        taken = [self._jobs.get()]
        with suppress(Empty):
            while len(taken) < BATCH:
                taken.append(self._jobs.get_nowait())
        return taken

    def _commit(self, jobs: Sequence[Job]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._attempt(job)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, TransactionLost) as error:
            log.error("a transaction was lost: %s", name_of(error.__cause__ or error))
            with suppress(sqlite3.Error):
                self._connection.rollback()
            for job in jobs:
                job.error = Unavailable("The database did not take this change. Try again in a moment.")

    def _attempt(self, job: Job) -> None:
        """Raises only when the whole transaction is lost."""
        self._connection.execute("SAVEPOINT job")
        try:
            job.value = job.work(self._tx)
        except BaseException as error:
            job.error = unavailable(error) or error
            if not self._connection.in_transaction:
                raise TransactionLost from error
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")


def name_of(error: BaseException) -> str:
    """What may be logged of an error: its text may quote a visitor."""
    cause = driver_error(error)
    return str(getattr(cause, "sqlite_errorname", type(cause).__name__))
