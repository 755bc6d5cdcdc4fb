"""The store in PostgreSQL: a small pool of connections, one transaction for each piece of work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import URL
from sqlalchemy.util import greenlet_spawn

from adapters.database.postgres import connections
from adapters.database.postgres.connections import (
    ConnectionLost,
    is_closed,
    is_loss,
    is_read_only,
    postgres_pool,
    retries_for,
    unavailable_when_unreachable,
)
from adapters.database.postgres.driver import PostgresDriver
from adapters.database.postgres.vacuum import OneForAll, vacuum
from adapters.database.tx import SqlTx
from domain.errors import Unavailable
from domain.tables import Store, Tx

T = TypeVar("T")
CLOSE_SECONDS = 2.0
UNKNOWN = "The database did not say whether it took this change. Look, and try again in a moment."


class PostgresStore(Store):
    """Writes run at READ COMMITTED: row locks and unique constraints settle their races."""

    def __init__(self, url: URL, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._vacuum = OneForAll(partial(vacuum, url))
        self._asked: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await self._ask(work, writes=False)

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await self._ask(work, writes=True)

    async def erased(self) -> None:
        """Makes room of deleted rows. Their last copies in the server's own log go when it recycles that."""
        await self._vacuum.done()

    async def close(self) -> None:
        """Lets the reads and writes that were asked for end, and refuses new ones."""
        self._closed = True
        await self._vacuum.stop()
        while self._asked:
            await asyncio.wait(self._asked)

    async def _ask(self, work: Callable[[Tx], T], *, writes: bool) -> T:
        """Work that was asked for is done, even when its caller is cancelled while waiting."""
        if self._closed:
            raise Unavailable("The database is closed: this server is stopping.")
        task = asyncio.create_task(self._do(work, writes))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return await asyncio.shield(task)

    async def _do(self, work: Callable[[Tx], T], writes: bool) -> T:
        """Tries again as often as the error of the last attempt deserves."""
        time = asyncio.get_running_loop().time
        retries, deadline = 0, time() + connections.PATIENCE
        with unavailable_when_unreachable(writes=writes):
            while True:
                wait = min(connections.WAIT_SECONDS, deadline - time())
                try:
                    async with self._pool.acquire(timeout=wait) as connection:
                        return await transact(connection, work, writes, deadline)
                except Exception as error:
                    if retries >= retries_for(error) or time() >= deadline:
                        raise
                retries += 1


async def transact(connection: asyncpg.Connection, work: Callable[[Tx], T], writes: bool, deadline: float) -> T:
    """The pool rolls back what was not committed."""
    driver = PostgresDriver(connection, writes=writes, deadline=deadline)

    def work_and_commit() -> T:
        answer = work(SqlTx(driver, writes=writes))
        driver.commit()
        return answer

    try:
        return await greenlet_spawn(work_and_commit)
    except Exception as error:
        lost = is_closed(connection) or is_loss(error)
        if not is_closed(connection) and (lost or (writes and is_read_only(error))):
            # The server has not hung up yet. A new connection may lead to another one, or begin in another mode.
            connection.terminate()
        if not lost:
            raise
        if driver.committing:
            raise Unavailable(UNKNOWN) from error
        raise ConnectionLost from error


@asynccontextmanager
async def open_postgres(url: URL) -> AsyncIterator[PostgresStore]:
    pool = await postgres_pool(url)
    store = PostgresStore(url, pool)
    try:
        yield store
    finally:
        await store.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):  # a server that hangs says no goodbye
                await pool.close()
