"""The store for a database address."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import make_url

from adapters.migrations import migrate
from adapters.sqlite_store import open_sqlite
from domain.ports import Store


@asynccontextmanager
async def open_store(database_url: str) -> AsyncIterator[Store]:
    """Brings the database to this version's schema and opens it.

    Leaving waits until every write that was asked for is durable.
    """
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        raise ValueError(f"This version keeps its data in SQLite only, not in {url.get_backend_name()}.")
    if url.database in (None, "", ":memory:"):
        raise ValueError("The database needs a file, for example sqlite:////var/lib/avatarium/avatarium.db.")
    await asyncio.to_thread(migrate, database_url)
    async with open_sqlite(url) as store:
        yield store
