"""The store in PostgreSQL: a small pool of connections, one transaction for each piece of work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import URL
from sqlalchemy.util import greenlet_spawn

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
from adapters.database.tx import SqlTx
from domain.errors import Unavailable
from domain.tables import Store, Tx

T = TypeVar("T")
ERASED = ("knowledge", "knowledge_bodies", "passages", "jobs")
UNKNOWN = "The database did not say whether it took this change. Look, and try again in a moment."


class PostgresStore(Store):
    """Writes run at READ COMMITTED: row locks and unique constraints settle their races."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._asked: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await self._ask(work, writes=False)

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await self._ask(work, writes=True)

    async def erased(self) -> None:
        """Makes room of deleted rows. Their last copies in the server's own log go when it recycles that."""
        with unavailable_when_unreachable():
            async with self._pool.acquire() as connection:
                await connection.execute(f"VACUUM {', '.join(ERASED)}")

    async def close(self) -> None:
        """Lets the reads and writes that were asked for end, and refuses new ones."""
        self._closed = True
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
        retries = 0
        with unavailable_when_unreachable(writes=writes):
            while True:
                try:
                    async with self._pool.acquire() as connection:
                        return await transact(connection, work, writes)
                except Exception as error:
                    if retries >= retries_for(error):
                        raise
                retries += 1


async def transact(connection: asyncpg.Connection, work: Callable[[Tx], T], writes: bool) -> T:
    """The pool rolls back what was not committed."""
    driver = PostgresDriver(connection, writes=writes)

    def work_and_commit() -> T:
        answer = work(SqlTx(driver, writes=writes))
        driver.commit()
        return answer

    try:
        return await greenlet_spawn(work_and_commit)
    except Exception as error:
        if not is_closed(connection):
            if writes and is_read_only(error):
                connection.terminate()  # a new one may lead to another server, or begin in another mode
            if not is_loss(error):
                raise
            connection.terminate()  # the server has not hung up yet
        if driver.committing:
            raise Unavailable(UNKNOWN) from error
        raise ConnectionLost from error


@asynccontextmanager
async def open_postgres(url: URL) -> AsyncIterator[PostgresStore]:
    async with postgres_pool(url) as pool:
        store = PostgresStore(pool)
        try:
            yield store
        finally:
            await store.close()
