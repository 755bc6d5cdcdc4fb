"""The threads that read SQLite, each on a connection of its own."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from threading import Thread
from typing import TypeVar

from adapters.database.sqlite.connections import unavailable
from adapters.database.sqlite.driver import SqliteDriver
from adapters.database.sqlite.errands import Errand, Errands, done
from adapters.database.tx import SqlTx
from domain.tables import Tx

T = TypeVar("T")


class SqliteReaders:
    """Belongs to the event loop in which it was made. From then on the connections are the threads'."""

    def __init__(self, connections: Sequence[sqlite3.Connection]) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: Errands = Errands()
        self._threads = [
            Thread(target=self._run, args=(connection,), name="sqlite-reader", daemon=True)
            for connection in connections
        ]
        for thread in self._threads:
            thread.start()

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await done(self._queue, work)

    async def close(self) -> None:
        """Does all the work that waits."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _run(self, connection: sqlite3.Connection) -> None:
        tx = SqlTx(SqliteDriver(connection))
        while errand := self._queue.get():
            attempt(errand, connection, tx)
            self._loop.call_soon_threadsafe(errand.settle)
        connection.close()


def is_change(error: BaseException) -> bool:
    """Whether a read tried to write, which its connection refuses."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY


def attempt(errand: Errand, connection: sqlite3.Connection, tx: Tx) -> None:
    """Within a transaction, since each statement would else see a snapshot of its own."""
    try:
        connection.execute("BEGIN")
        errand.value = errand.work(tx)
    except BaseException as error:
        errand.error = error if is_change(error) else unavailable(error) or error
    finally:
        connection.rollback()
