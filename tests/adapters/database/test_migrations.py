"""The migrations lead to the schema of `adapters.database.tables`, and back."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, inspect, text
from sqlmodel import SQLModel

from adapters.database.migrations import alone, config, migrate
from adapters.database.store import open_store
from adapters.database.tables import is_compared
from domain.jobs import Lane
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


INSTANT = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS = {"site": ("site", 0), "page": ("url", 0), "small": ("file", 262_144), "large": ("file", 262_145)}
WAITING = {
    "site": ("index", "crawl"),
    "page": ("index", "slow"),
    "small": ("index", "quick"),
    "large": ("index", "slow"),
    "deleted": ("index", "quick"),
    "erased": ("erase", "quick"),
    None: ("embed", "slow"),
}
"""Jobs by their item: the kind, and the lane that it comes into."""


def as_stored(connection: Connection, moment: datetime) -> Any:
    return moment if connection.dialect.name == "postgresql" else moment.isoformat(timespec="microseconds")


def insert(connection: Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Without what the rows refer to."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(Table(table, MetaData(), autoload_with=connection).insert(), list(rows))


def add_waiting_jobs(connection: Connection) -> None:
    now = as_stored(connection, INSTANT)
    counts = dict.fromkeys(("generation", "passage_count", "done", "total"), 0)
    item = {"avatar_id": "avatar", "title": "", "created_at": now, "updated_at": now, "status": "queued"} | counts
    items = [{"id": name, "type": kind, "size": size} for name, (kind, size) in ITEMS.items()]
    insert(connection, "knowledge", [item | each | {"languages": []} for each in items])
    job = {"avatar_id": "avatar", "created_at": now, "run_after": now, "attempts": 1}
    insert(connection, "jobs", [job | {"id": f"{part}", "kind": WAITING[part][0], "item_id": part} for part in WAITING])


def jobs(url: str) -> dict[str, dict[str, Any]]:
    def read(connection: Connection) -> dict[str, dict[str, Any]]:
        return {row["id"]: dict(row) for row in connection.execute(text("SELECT * FROM jobs")).mappings()}

    return alone(url, read)


def test_jobs_that_wait_get_a_lane_and_keep_the_rest(url: str) -> None:
    migrate(url, "0002")
    alone(url, add_waiting_jobs)
    before = jobs(url)
    migrate(url, "0003")
    after = jobs(url)
    renamed = {"avatar_id": "group_id", "item_id": "part"}
    for part, (kind, lane) in WAITING.items():
        kept = {renamed.get(name, name): value for name, value in before[f"{part}"].items()}
        assert after[f"{part}"] == kept | {"kind": kind, "part": part, "lane": lane, "payload": "{}"}
    alone(url, lambda connection: command.downgrade(config(connection), "0002"))
    assert jobs(url) == before


async def test_jobs_of_before_are_claimed(url: str) -> None:
    await asyncio.to_thread(migrate, url, "0002")
    await asyncio.to_thread(alone, url, add_waiting_jobs)
    async with open_store(url) as store:
        for lane in Lane:
            job = await store.write(lambda tx, lane=lane: tx.jobs.claim(lane, "worker", INSTANT, INSTANT))  # type: ignore[misc]
            assert job is not None
            assert (job.group, job.payload, job.attempts) == ("avatar", {}, 2)


async def test_servers_that_start_at_once_share_one_migration(url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = await asyncio.gather(*[stack.enter_async_context(open_store(url)) for _ in range(4)])
        assert [await store.read(lambda tx: tx.avatars.count("nobody")) for store in stores] == [0, 0, 0, 0]
    assert await asyncio.to_thread(differences, url) == []
