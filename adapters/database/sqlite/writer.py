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

from adapters.database.sqlite.connections import name_of, unavailable
from adapters.database.sqlite.driver import SqliteDriver
from adapters.database.sqlite.errands import Errand, Errands, done, settle
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
        self._queue: Errands = Errands()
        self._thread = Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await done(self._queue, work)

    async def close(self) -> None:
        """Does all the work that waits, and leaves nothing in the write-ahead log."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        closing = False
        while not closing:
            taken = self._waiting()
            errands = [errand for errand in taken if errand]
            closing = len(errands) < len(taken)
            if errands:
                self._commit(errands)
            self._loop.call_soon_threadsafe(settle, errands)
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _waiting(self) -> list[Errand | None]:
        """Waits for an errand and takes those behind it. None is the wish to close, and the last."""
        taken = [self._queue.get()]
        with suppress(Empty):
            while len(taken) < BATCH:
                taken.append(self._queue.get_nowait())
        return taken

    def _commit(self, errands: Sequence[Errand]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for errand in errands:
                self._attempt(errand)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, TransactionLost) as error:
            log.error("a transaction was lost: %s", name_of(error.__cause__ or error))
            with suppress(sqlite3.Error):
                self._connection.rollback()
            for errand in errands:
                errand.error = Unavailable("The database did not take this change. Try again in a moment.")

    def _attempt(self, errand: Errand) -> None:
        """Raises only when the whole transaction is lost."""
        self._connection.execute("SAVEPOINT errand")
        try:
            errand.value = errand.work(self._tx)
        except BaseException as error:
            errand.error = unavailable(error) or error
            if not self._connection.in_transaction:
                raise TransactionLost from error
            self._connection.execute("ROLLBACK TO errand")
        self._connection.execute("RELEASE errand")
