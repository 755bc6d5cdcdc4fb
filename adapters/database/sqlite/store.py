"""The store in one SQLite file: one connection that writes, a few that read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import URL

from adapters.database.sqlite.connections import (
    connect_to_read,
    connect_to_write,
    empty_log,
    unavailable_when_unreachable,
)
from adapters.database.sqlite.readers import SqliteReaders
from adapters.database.sqlite.writer import SqliteWriter
from domain.errors import Unavailable
from domain.tables import Store, Tx

T = TypeVar("T")
READERS = 4


class SqliteStore(Store):
    def __init__(self, url: URL, writer: SqliteWriter, readers: SqliteReaders) -> None:
        self._url, self._writer, self._readers = url, writer, readers
        self._closed = False

    async def read(self, work: Callable[[Tx], T]) -> T:
        self._require_open()
        return await self._readers.read(work)

    async def write(self, work: Callable[[Tx], T]) -> T:
        self._require_open()
        return await self._writer.write(work)

    async def erased(self) -> None:
        """Deleted rows are overwritten already (`secure_delete`), but the write-ahead log has their last copies."""
        self._require_open()
        await asyncio.to_thread(empty_log, self._url)

    async def close(self) -> None:
        """Lets the reads and writes that were asked for end, and refuses new ones."""
        self._closed = True
        try:
            await self._readers.close()
        finally:
            await self._writer.close()

    def _require_open(self) -> None:
        if self._closed:
            raise Unavailable("The database is closed: this server is stopping.")


@asynccontextmanager
async def open_sqlite(url: URL) -> AsyncIterator[SqliteStore]:
    with unavailable_when_unreachable():
        writing = await asyncio.to_thread(connect_to_write, url)
        reading = [await asyncio.to_thread(connect_to_read, url) for _ in range(READERS)]
    store = SqliteStore(url, SqliteWriter(writing), SqliteReaders(reading))
    try:
        yield store
    finally:
        await store.close()
