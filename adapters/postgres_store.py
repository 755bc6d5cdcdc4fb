"""The store in PostgreSQL: a small pool of connections, one transaction for each piece of work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.postgres_connections import (
    LOST,
    ConnectionLost,
    is_closed,
    postgres_engine,
    replace_closed_connections,
    retries_for,
    sqlstate,
    unavailable_when_unreachable,
)
from adapters.sql_tx import SqlTx
from domain.errors import Unavailable
from domain.ports import Store, Tx

T = TypeVar("T")
CONNECTIONS = 10


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
        try:
            answer = await connection.run_sync(work)
        except Exception as error:
            if await is_lost(connection, error):
                raise ConnectionLost from error
            raise
        await connection.commit()
        return answer


async def is_lost(connection: AsyncConnection, error: Exception) -> bool:
    """Also drops the connection: the server may have said goodbye on it without hanging up yet."""
    driver_connection = (await connection.get_raw_connection()).driver_connection
    lost = is_closed(driver_connection) or sqlstate(error).startswith(LOST)
    if lost:
        await connection.invalidate()
    return lost


@asynccontextmanager
async def open_postgres(url: URL) -> AsyncIterator[PostgresStore]:
    engine = postgres_engine(url, pool_size=CONNECTIONS, max_overflow=0)
    replace_closed_connections(engine)
    store = PostgresStore(engine)
    try:
        yield store
    finally:
        await store.close()
