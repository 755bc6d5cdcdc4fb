"""The migrations lead to the schema of `adapters.database.tables`, and back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlmodel import SQLModel

from adapters.database.migrations import alone, config, migrate
from adapters.database.store import open_store
from adapters.database.tables import is_compared
from tests.parts.postgres import Postgres

PARTIAL = (["status = 'streaming'"], ["((status)::text = 'streaming'::text)"])


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> AsyncIterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'avatarium.db'}?timeout=3600"
        return
    async with postgres.database("template1") as url:
        yield url


def differences(url: str) -> object:
    def compare(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_compared})
        return compare_metadata(context, SQLModel.metadata)

    return alone(url, compare)


def tables(url: str) -> list[str]:
    return alone(url, lambda connection: inspect(connection).get_table_names())


def test_the_migrated_schema_is_the_one_of_the_tables(url: str) -> None:
    migrate(url)
    assert differences(url) == []


def test_the_partial_index_is_made_too(url: str) -> None:
    migrate(url)
    indexes = alone(url, lambda connection: inspect(connection).get_indexes("messages"))
    (options,) = [index["dialect_options"] for index in indexes if index["name"] == "ix_messages_streaming"]
    assert [str(options[name]) for name in options if name.endswith("_where")] in PARTIAL


def test_migrating_twice_changes_nothing(url: str) -> None:
    migrate(url)
    migrate(url)
    assert differences(url) == []


def test_down_to_nothing_and_up_again(url: str) -> None:
    migrate(url)
    alone(url, lambda connection: command.downgrade(config(connection), "base"))
    assert tables(url) == ["alembic_version"]
    migrate(url)
    assert differences(url) == []


async def test_servers_that_start_at_once_share_one_migration(url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = await asyncio.gather(*[stack.enter_async_context(open_store(url)) for _ in range(4)])
        assert [await store.read(lambda tx: tx.avatars.count("nobody")) for store in stores] == [0, 0, 0, 0]
    assert await asyncio.to_thread(differences, url) == []
