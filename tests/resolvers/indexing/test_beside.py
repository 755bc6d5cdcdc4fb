"""Items of one avatar that are indexed and erased at once, with the real databases and the real stores of vectors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from adapters.database.store import open_store
from adapters.system_clock import SystemClock
from adapters.vectors.chroma_vectors import open_vectors
from domain.accounts import Identity
from domain.jobs import Lane
from domain.knowledge.additions import Addition
from domain.knowledge.items import KnowledgeStatus
from resolvers import avatars, knowledge
from resolvers.context import Services
from tests import house
from tests.fakes.embedder import BagOfWords
from tests.fakes.sign_in import FakeSignIn
from tests.parts.postgres import Postgres
from tests.resolvers import known
from tests.resolvers.indexed import all_done, no_jobs
from tests.resolvers.talk import AVATAR, caller

NAMES = ("Otter", "Heron", "Badger", "Marten", "Beaver", "Stork")
GONE = NAMES[::3]


@pytest.fixture(params=["sqlite and embedded", "postgresql and server"])
async def services(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> AsyncIterator[Services]:
    """Four workers do what is quick. Time passes: SQLite empties its log later while a checkpoint runs."""
    sign_in, clock = FakeSignIn(), SystemClock()
    sign_in.add("ann", Identity("subject-ann", "ann@example.com", "Ann"))
    async with AsyncExitStack() as stack:
        database, chroma = f"sqlite:///{tmp_path / 'avatarium.db'}", None
        if request.param.startswith("postgresql"):
            database = await stack.enter_async_context(postgres.database())
            chroma = request.getfixturevalue("chroma_server")
        store = await stack.enter_async_context(open_store(database))
        vectors = await stack.enter_async_context(open_vectors(tmp_path / "vectors", chroma, clock))
        yield await stack.enter_async_context(
            house.services(store=store, vectors=vectors, sign_in=sign_in, clock=clock, lanes={Lane.QUICK: 4})
        )


async def test_items_of_one_avatar_are_indexed_and_erased_beside_each_other(services: Services) -> None:
    ann = caller(services, "ann")
    avatar = await avatars.create(ann, AVATAR)

    def about(name: str) -> Addition:
        return Addition(name, "\n\n".join(f"The {name} has words of its own, number {number}." for number in range(5)))

    old = {name: await knowledge.add(ann, avatar.id, "text", about(name)) for name in GONE}
    await all_done(services)
    gone = [passage.id for item in old.values() for passage in await known.passages(ann, item.id)]
    new = [await knowledge.add(ann, avatar.id, "text", about(name)) for name in NAMES]
    async with services.workers.running():
        await asyncio.gather(*(knowledge.delete(ann, item.id) for item in old.values()))
        await no_jobs(services.store)
    ready = [await knowledge.get(ann, item.id) for item in new]
    assert {item.status for item in ready} == {KnowledgeStatus.READY}
    summary = (await known.summary(ann, avatar.id)).counts
    assert (summary.items, summary.passages, summary.model) == (len(NAMES), 5 * len(NAMES), BagOfWords().model)
    vectors, live = services.recall.vectors, await services.store.read(lambda tx: tx.passages.live_ids(avatar.id))
    assert await vectors.missing(avatar.id, BagOfWords().model, [*live, *gone]) == gone
    for name in NAMES:
        [toward] = await BagOfWords().embed([f"The {name} has words of its own"])
        nearest = await vectors.nearest(avatar.id, BagOfWords().model, toward, 100)
        assert {match.passage_id for match in nearest} == set(live)
