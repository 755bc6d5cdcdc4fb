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
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar, cast

from sqlalchemy import Connection

from adapters.sql_tx import SqlTx
from adapters.sqlite_connections import driver_error, unavailable
from domain.errors import Unavailable
from domain.ports import Tx

T = TypeVar("T")
BATCH = 128
log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Job:
    """Work and its outcome, which the thread fills in before `settled` is set."""

    work: Callable[[Tx], object]
    settled: asyncio.Future[None]
    value: object = None
    error: BaseException | None = None

    def settle(self) -> None:
        if not self.settled.done():  # its caller may have been cancelled meanwhile
            self.settled.set_result(None)


class TransactionLost(Exception):
    """SQLite has rolled everything back by itself, as it may after errors such as a full disk."""


class SqliteWriter:
    """Belongs to the event loop in which it was made. From then on the connection is the thread's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = cast(sqlite3.Connection, connection.connection.driver_connection)
        self._tx = SqlTx(connection, writes=True)
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Work that was asked for is done, even when its caller is cancelled while waiting."""
        job = Job(work, self._loop.create_future())
        self._jobs.put(job)
        await job.settled
        if job.error is not None:
            raise job.error
        return cast(T, job.value)

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
            self._driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
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
            self._driver.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._attempt(job)
            self._driver.execute("COMMIT")
        except (sqlite3.Error, TransactionLost) as error:
            log.error("a transaction was lost: %s", name_of(error.__cause__ or error))
            with suppress(sqlite3.Error):
                self._driver.rollback()
            for job in jobs:
                job.error = Unavailable("The database did not take this change. Try again in a moment.")

    def _attempt(self, job: Job) -> None:
        """Raises only when the whole transaction is lost."""
        self._driver.execute("SAVEPOINT job")
        try:
            job.value = job.work(self._tx)
        except BaseException as error:
            job.error = unavailable(error) or error
            if not self._driver.in_transaction:
                raise TransactionLost from error
            self._driver.execute("ROLLBACK TO job")
        self._driver.execute("RELEASE job")


def name_of(error: BaseException) -> str:
    """What may be logged of an error: its text may quote a visitor."""
    cause = driver_error(error)
    return str(getattr(cause, "sqlite_errorname", type(cause).__name__))


def settle(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.settle()
