"""Whether the configured database opens and fits this version of the program, without changing it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, inspect, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from adapters.database.postgres.connections import postgres_engine

PATIENCE = 5.0
DRIVER = "sqlite+aiosqlite"
ADVICE = {
    "sqlite": "Check that it is a database of this program, and that this user may read it.",
    "postgresql": "Check that PostgreSQL runs there, that the database exists, and that user and password are right.",
}


@dataclass(frozen=True, slots=True)
class State:
    """`usable`: the server can start with it, after migrating it if need be."""

    usable: bool
    text: str
    advice: str = ""


async def database_state(address: str, migrations: Path) -> State:
    """`migrations` is Alembic's directory of this version of the program."""
    try:
        url = make_url(address)
    except ArgumentError:
        return State(False, "its address cannot be understood", "docs/settings.md shows the forms of the address.")
    name = url.set(query={}).render_as_string(hide_password=True)
    if is_missing(url):
        return State(True, f"{name} is made at the first start")
    try:
        revision = await asyncio.wait_for(current_revision(checking_engine(url)), PATIENCE)
    except ValueError as error:
        return State(False, f"{name} cannot be opened", str(error))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return State(False, f"{name} cannot be opened ({kind_of(error)})", ADVICE[url.get_backend_name()])
    return compared(name, revision, migrations)


def is_missing(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


def checking_engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "postgresql":
        return postgres_engine(url, poolclass=NullPool)
    return create_async_engine(read_only(url), poolclass=NullPool)


def read_only(url: URL) -> URL:
    """Nothing may stay behind: files that another user's doctor made would lock the server out.

    A reader of a database in WAL mode makes those files, unless it is told that nobody writes. Somebody may
    when the WAL is there.
    """
    mode = {"mode": "ro"} if Path(f"{url.database}-wal").exists() else {"immutable": "1"}
    return url.set(drivername=DRIVER, database=f"file:{quote(url.database or '')}", query={**mode, "uri": "true"})


async def current_revision(engine: AsyncEngine) -> str | None:
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(stamped_revision)
    finally:
        await engine.dispose()


def kind_of(error: Exception) -> str:
    """The driver's own name of the error, such as `InvalidPasswordError`; its text may quote the address."""
    driver_error = getattr(error, "orig", None) or error
    return type(driver_error.__cause__ or driver_error).__name__


def stamped_revision(connection: Connection) -> str | None:
    """What Alembic noted in the database; None in one that it never saw."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def compared(name: str, revision: str | None, migrations: Path) -> State:
    script = ScriptDirectory(str(migrations))
    if revision is None:
        return State(True, f"{name} has no tables yet; they are made at the start")
    if revision in script.get_heads():
        return State(True, f"{name} opens and is up to date")
    try:
        script.get_revision(revision)
    except CommandError:
        advice = "Install the newer version again, or restore a backup from before it."
        return State(False, f"{name} was used by a newer version of Avatarium", advice)
    return State(True, f"{name} is of an older version", "It is migrated at the next start. Make a backup first.")
