"""A site that never ends, and what goes on beside it."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from domain.avatars import Avatar
from domain.knowledge.additions import Addition
from domain.knowledge.items import KnowledgeItem, KnowledgeStatus
from domain.knowledge.jobs import embed_job
from domain.knowledge.reading import Raw
from resolvers import avatars, knowledge
from resolvers.context import Context, Services
from tests import house
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import BagOfWords, FakeEmbedders
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.sign_in import FakeSignIn
from tests.resolvers import known
from tests.resolvers.indexed import no_jobs
from tests.resolvers.talk import AVATAR
from tests.resolvers.troubled_store import TroubledStore

SITE = "https://example.com"


class HeldFetcher(FakeFetcher):
    """Answers nothing until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def fetch(self, url: str, media_types: Sequence[str], max_bytes: int) -> Raw:
        self.asked.set()
        await self.may_answer.wait()
        return await super().fetch(url, media_types, max_bytes)


@pytest.fixture
def fetcher() -> HeldFetcher:
    fetcher = HeldFetcher()
    fetcher.add(f"{SITE}/", b"We bake bread.")
    return fetcher


@pytest.fixture
def embedders() -> FakeEmbedders:
    return FakeEmbedders(BagOfWords())


@pytest.fixture
async def services(
    clock: FakeClock, store: TroubledStore, sign_in: FakeSignIn, fetcher: HeldFetcher, embedders: FakeEmbedders
) -> AsyncIterator[Services]:
    async with house.services(
        clock=clock, store=store, sign_in=sign_in, fetcher=fetcher, embedders=embedders
    ) as services:
        yield services


@pytest.fixture
async def site(services: Services, ann: Context, avatar: Avatar, fetcher: HeldFetcher) -> AsyncIterator[KnowledgeItem]:
    """It is being read while the test runs."""
    item = await knowledge.add(ann, avatar.id, "site", Addition(url=SITE))
    async with services.workers.running():
        await fetcher.asked.wait()
        yield item


async def ready(ann: Context, item: KnowledgeItem) -> None:
    while (await knowledge.get(ann, item.id)).status is not KnowledgeStatus.READY:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def test_pasted_text_waits_for_no_site(ann: Context, avatar: Avatar, site: KnowledgeItem) -> None:
    """Neither the same avatar's nor another one's."""
    other = await avatars.create(ann, AVATAR | {"slug": "other"})
    for each in (avatar, other):
        await ready(ann, await knowledge.add(ann, each.id, "text", Addition(content="We open at nine.")))
        [found] = await knowledge.try_question(ann, each.id, "When do you open?")
        assert found.text == "We open at nine."
    assert (await knowledge.get(ann, site.id)).status is KnowledgeStatus.FETCHING


async def test_deleted_text_is_erased_while_a_site_is_read(
    services: Services, ann: Context, avatar: Avatar, site: KnowledgeItem
) -> None:
    item = await knowledge.add(ann, avatar.id, "text", Addition(content="We open at nine."))
    await ready(ann, item)
    passages = [each.id for each in await known.passages(ann, item.id)]
    await knowledge.delete(ann, item.id)
    while await services.recall.vectors.missing(avatar.id, "bag-of-words", passages) != passages:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    assert (await knowledge.get(ann, site.id)).status is KnowledgeStatus.FETCHING


async def test_a_new_model_waits_for_the_site(
    services: Services,
    ann: Context,
    avatar: Avatar,
    site: KnowledgeItem,
    fetcher: HeldFetcher,
    embedders: FakeEmbedders,
) -> None:
    text = await knowledge.add(ann, avatar.id, "text", Addition(content="We open at nine."))
    await ready(ann, text)
    embedders.chosen, embedders._others = BagOfWords("newer"), (BagOfWords(),)
    await services.store.write(lambda tx: tx.jobs.add(embed_job(avatar.id, services.clock.now())))
    services.workers.wake()
    await ready(ann, await knowledge.add(ann, avatar.id, "text", Addition(content="On Sundays at ten.")))
    assert (await known.summary(ann, avatar.id)).counts.model == "bag-of-words"
    fetcher.may_answer.set()
    await no_jobs(services.store)
    assert (await knowledge.get(ann, site.id)).status is KnowledgeStatus.READY
    assert (await known.summary(ann, avatar.id)).counts.model == "newer"
    ids = await services.store.read(lambda tx: tx.passages.live_ids(avatar.id))
    assert len(ids) == 3
    assert await services.recall.vectors.missing(avatar.id, "newer", ids) == []


async def test_a_deleted_avatar_is_erased_once_its_site_is_let_go(
    services: Services, ann: Context, avatar: Avatar, site: KnowledgeItem, fetcher: HeldFetcher
) -> None:
    text = await knowledge.add(ann, avatar.id, "text", Addition(content="We open at nine."))
    await ready(ann, text)
    await avatars.delete(ann, avatar.id)
    await asyncio.sleep(0)
    assert not await services.recall.vectors.is_empty(), "somebody may still add to them"
    fetcher.may_answer.set()
    await no_jobs(services.store)
    assert await services.recall.vectors.is_empty()
