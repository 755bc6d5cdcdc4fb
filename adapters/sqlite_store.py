"""The store in one SQLite file: one connection that writes, a few that read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import orjson
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.sql_tx import SqlTx
from adapters.sqlite_connections import (
    OWN_TRANSACTIONS,
    READING,
    begin_with,
    prepare_with,
    unavailable_when_unreachable,
    writing_engine,
)
from adapters.sqlite_writer import SqliteWriter
from domain.errors import Unavailable
from domain.ports import Store, Tx

T = TypeVar("T")
READERS = 4


class SqliteStore(Store):
    def __init__(self, writer: SqliteWriter, readers: AsyncEngine) -> None:
        self._writer = writer
        self._readers = readers
        self._places = asyncio.Semaphore(READERS)
        self._closed = False

    async def read(self, work: Callable[[Tx], T]) -> T:
        self._require_open()
        async with self._places:
            with unavailable_when_unreachable():
                async with self._readers.begin() as connection:
                    return await connection.run_sync(lambda sync: work(SqlTx(sync)))

    async def write(self, work: Callable[[Tx], T]) -> T:
        self._require_open()
        return await self._writer.write(work)

    async def close(self) -> None:
        """Lets the reads and writes that were asked for end, and refuses new ones."""
        self._closed = True
        try:
            for _ in range(READERS):
                await self._places.acquire()
            await self._readers.dispose()
        finally:
            await self._writer.close()

    def _require_open(self) -> None:
        if self._closed:
            raise Unavailable("The database is closed: this server is stopping.")


@asynccontextmanager
async def open_sqlite(url: URL) -> AsyncIterator[SqliteStore]:
    with unavailable_when_unreachable():
        connection = await asyncio.to_thread(writing_engine(url).connect)
    store = SqliteStore(SqliteWriter(connection), reading_engine(url))
    try:
        yield store
    finally:
        await store.close()


def reading_engine(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        pool_size=READERS,
        max_overflow=0,
        connect_args=OWN_TRANSACTIONS,
        json_deserializer=orjson.loads,
    )
    prepare_with(engine.sync_engine, READING)
    # Without it each statement would see its own snapshot.
    begin_with(engine.sync_engine, "BEGIN")
    return engine
