"""The migrations lead to the schema of `adapters.sql_tables`, and back."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlmodel import SQLModel

from adapters.migrations import config, migrate, migrating_engine
from adapters.sql_store import open_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'avatarium.db'}"


def differences(url: str) -> object:
    with migrating_engine(url).begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, SQLModel.metadata)


def tables(url: str) -> list[str]:
    with migrating_engine(url).begin() as connection:
        return inspect(connection).get_table_names()


def test_the_migrated_schema_is_the_one_of_the_tables(url: str) -> None:
    migrate(url)
    assert differences(url) == []


def test_the_partial_index_is_made_too(url: str) -> None:
    migrate(url)
    with migrating_engine(url).begin() as connection:
        sql = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'ix_messages_streaming'")
        assert str(sql.scalar()).endswith("WHERE status = 'streaming'")


def test_migrating_twice_changes_nothing(url: str) -> None:
    migrate(url)
    migrate(url)
    assert differences(url) == []


def test_down_to_nothing_and_up_again(url: str) -> None:
    migrate(url)
    with migrating_engine(url).begin() as connection:
        command.downgrade(config(connection), "base")
    assert tables(url) == ["alembic_version"]
    migrate(url)
    assert differences(url) == []


async def test_servers_that_start_at_once_share_one_migration(url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = await asyncio.gather(*[stack.enter_async_context(open_store(url)) for _ in range(4)])
        assert [await store.read(lambda tx: tx.avatars.count("nobody")) for store in stores] == [0, 0, 0, 0]
    assert differences(url) == []
