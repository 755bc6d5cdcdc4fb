"""The steps from one version's schema to the next, run at every start.

To change the schema, change `adapters/database/tables.py` and run

    python -m adapters.database.migrations "what changes"

which writes the next step into `versions/` for you to read and correct.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from adapters.database.postgres import connections as postgres_connections
from adapters.database.postgres.connections import postgres_engine
from adapters.database.sqlite import connections as sqlite_connections
from adapters.database.sqlite.connections import OWN_TRANSACTIONS, begin_with

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")
LOCK_NUMBER = 4_741_021_871
"""Of the advisory lock: any number that no other program takes in the same database."""


def migrate(database_url: str, revision: str = "head") -> None:
    """Brings the schema up to a revision; does nothing when it is there. Blocks."""
    from alembic import command

    alone(database_url, lambda connection: command.upgrade(config(connection), revision))


def alone(database_url: str, work: Callable[[Connection], T]) -> T:
    """Runs `work` in a transaction that holds the migrations' lock from its start. Blocks.

    So of two servers that start at once one migrates and the other finds it done.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "postgresql":
        return asyncio.run(alone_in_postgres(url, work))
    return alone_in_sqlite(url, work)


def alone_in_sqlite(url: URL, work: Callable[[Connection], T]) -> T:
    """Foreign keys are not enforced: a step may have to build a table anew under its name."""
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), poolclass=NullPool, connect_args=OWN_TRANSACTIONS)
    begin_with(engine, "BEGIN IMMEDIATE")
    with sqlite_connections.unavailable_when_unreachable(), engine.begin() as connection:
        return work(connection)


async def alone_in_postgres(url: URL, work: Callable[[Connection], T]) -> T:
    """Waits as long as another server migrates, and takes as long as it needs."""
    engine = postgres_engine(url, command_seconds=None, poolclass=NullPool)
    with postgres_connections.unavailable_when_unreachable():
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK_NUMBER})
            return await connection.run_sync(work)


def config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
