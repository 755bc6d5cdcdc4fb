"""The steps from one version's schema to the next, run at every start.

To change the schema, change `adapters/sql_tables.py` and run

    python -m adapters.migrations "what changes"

which writes the next step into `versions/` for you to read and correct.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.pool import NullPool

from adapters.sqlite_connections import OWN_TRANSACTIONS, begin_with, unavailable_when_unreachable

if TYPE_CHECKING:
    from alembic.config import Config


def migrate(database_url: str, revision: str = "head") -> None:
    """Brings the schema up to a revision; does nothing when it is there. Blocks.

    The transaction holds the write lock from its start, so of two servers that start at once one
    migrates and the other finds it done.
    """
    from alembic import command

    with unavailable_when_unreachable(), migrating_engine(database_url).begin() as connection:
        command.upgrade(config(connection), revision)


def migrating_engine(database_url: str) -> Engine:
    """Foreign keys are not enforced on it: a step may have to build a table anew under its name."""
    url = make_url(database_url).set(drivername="sqlite+pysqlite")
    engine = create_engine(url, poolclass=NullPool, connect_args=OWN_TRANSACTIONS)
    begin_with(engine, "BEGIN IMMEDIATE")
    return engine


def config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
