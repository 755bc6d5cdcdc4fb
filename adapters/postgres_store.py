"""The store in PostgreSQL: a small pool of connections, one transaction for each piece of work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.postgres_connections import (
    CONNECTIONS,
    ConnectionLost,
    is_closed,
    is_loss,
    is_outdated,
    postgres_engine,
    replace_closed_connections,
    retries_for,
    unavailable_when_unreachable,
)
from adapters.sql_tx import SqlTx
from domain.errors import Unavailable
from domain.ports import Store, Tx

T = TypeVar("T")
UNKNOWN = "The database did not say whether it took this change. Look, and try again in a moment."


class PostgresStore(Store):
    """Writes run at READ COMMITTED: row locks and unique constraints settle their races."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._writing = engine
        self._reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._asked: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await self._ask(self._reading, lambda connection: work(SqlTx(connection)))

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await self._ask(self._writing, lambda connection: work(SqlTx(connection, writes=True)))

    async def close(self) -> None:
        """Lets the reads and writes that were asked for end, and refuses new ones."""
        self._closed = True
        while self._asked:
            await asyncio.wait(self._asked)
        await self._writing.dispose()

    async def _ask(self, engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
        """Work that was asked for is done, even when its caller is cancelled while waiting."""
        if self._closed:
            raise Unavailable("The database is closed: this server is stopping.")
        task = asyncio.create_task(self._do(engine, work))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return await asyncio.shield(task)

    async def _do(self, engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
        async with self._places:
            with unavailable_when_unreachable():
                return await transact_again(engine, work)


async def transact_again(engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
    """Tries again as often as the error of the last attempt deserves."""
    retries = 0
    while True:
        try:
            return await transact(engine, work)
        except Exception as error:
            if retries >= retries_for(error):
                raise
        retries += 1


async def transact(engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
    async with engine.connect() as connection:
        await connection.begin()
        async with instead_of_a_loss(connection, ConnectionLost()):
            answer = await connection.run_sync(work)
        async with instead_of_a_loss(connection, Unavailable(UNKNOWN)):
            await connection.commit()
        return answer


@asynccontextmanager
async def instead_of_a_loss(connection: AsyncConnection, meaning: Exception) -> AsyncIterator[None]:
    """Raises `meaning` when the connection is lost.

    Drops a lost connection, since the server may not have hung up yet, and one whose plans are outdated.
    """
    driver_connection = (await connection.get_raw_connection()).driver_connection
    try:
        yield
    except Exception as error:
        lost = is_closed(driver_connection) or is_loss(error)
        if lost or is_outdated(error):
            await connection.invalidate()
        if lost:
            raise meaning from error
        raise


@asynccontextmanager
async def open_postgres(url: URL) -> AsyncIterator[PostgresStore]:
    engine = postgres_engine(url, pool_size=CONNECTIONS, max_overflow=0)
    replace_closed_connections(engine)
    store = PostgresStore(engine)
    try:
        yield store
    finally:
        await store.close()
