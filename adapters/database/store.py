"""The store for a database address."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy import URL, make_url

from adapters.database.migrations import migrate
from adapters.database.postgres.store import open_postgres
from adapters.database.sqlite.store import open_sqlite
from domain.tables import Store

STORES: dict[str, Callable[[URL], AbstractAsyncContextManager[Store]]] = {
    "sqlite": open_sqlite,
    "postgresql": open_postgres,
}


@asynccontextmanager
async def open_store(database_url: str) -> AsyncIterator[Store]:
    """Brings the database to this version's schema and opens it.

    Leaving waits until every write that was asked for is durable.
    """
    url = make_url(database_url)
    if url.get_backend_name() not in STORES:
        raise ValueError(f"This program keeps its data in SQLite or PostgreSQL, not in {url.get_backend_name()}.")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError("The database needs a file, for example sqlite:////var/lib/avatarium/avatarium.db.")
    await asyncio.to_thread(migrate, database_url)
    async with STORES[url.get_backend_name()](url) as store:
        yield store
