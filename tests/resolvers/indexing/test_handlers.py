"""What becomes of items, whatever happens while they are indexed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import pytest

from domain.avatars import Avatar
from domain.errors import Unavailable
from domain.jobs import Lane
from domain.knowledge.additions import Addition
from domain.knowledge.items import Crawl, KnowledgeItem, KnowledgeProgress, KnowledgeStatus
from domain.knowledge.ports import Embedder, Vector
from domain.knowledge.reading import Document, FailureCode, Raw, Unreadable
from resolvers import avatars, knowledge
from resolvers.context import Context, Services
from resolvers.indexing import source as reading
from resolvers.indexing.building import TOLD_EVERY
from resolvers.indexing.handlers import ATTEMPTS
from resolvers.indexing.source import DocumentSource
from resolvers.jobs import LEASE
from tests import house
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import BagOfWords, FakeEmbedders
from tests.fakes.fetcher import FakeFetcher, FakeRobots
from tests.fakes.paragraphs import ParagraphReader
from tests.fakes.sign_in import FakeSignIn
from tests.fakes.vectors import MemoryVectors
from tests.resolvers import known
from tests.resolvers.indexed import all_done, no_jobs, watching_models
from tests.resolvers.talk import AVATAR, caller
from tests.resolvers.troubled_store import TroubledStore

SITE = "https://example.com"
TEXT = Addition(content="\n\n".join(f"Paragraph {number} has words of its own." for number in range(70)))


class Counting(BagOfWords):
    """Counts the texts, and may be out of order."""

    def __init__(self, model: str = "counting") -> None:
        super().__init__(model)
        self.texts = 0
        self.broken = False
        self.refused = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if self.broken:
            self.refused.set()
            raise Unavailable("no embeddings today")
        vectors = await super().embed(texts)
        self.texts += len(texts)
        await self.gate.wait()
        return vectors


@pytest.fixture
def fetcher() -> FakeFetcher:
    return FakeFetcher()


@pytest.fixture
def reader() -> ParagraphReader:
    return ParagraphReader()


@pytest.fixture
def embedder() -> Counting:
    return Counting()


@pytest.fixture
def embedders(embedder: Counting) -> FakeEmbedders:
    return FakeEmbedders(embedder)


@pytest.fixture
def vectors() -> MemoryVectors:
    return MemoryVectors()


@pytest.fixture
async def services(
    clock: FakeClock,
    store: TroubledStore,
    sign_in: FakeSignIn,
    fetcher: FakeFetcher,
    reader: ParagraphReader,
    embedders: FakeEmbedders,
    vectors: MemoryVectors,
) -> AsyncIterator[Services]:
    async with house.services(
        clock=clock, store=store, sign_in=sign_in, fetcher=fetcher, robots=FakeRobots([f"{SITE}/private"]),
        reader=reader, embedders=embedders, vectors=vectors,
    ) as services:  # fmt: skip
        yield services


async def indexed(services: Services, ann: Context, avatar: Avatar, kind: str, given: Addition) -> KnowledgeItem:
    item = await knowledge.add(ann, avatar.id, kind, given)
    await all_done(services)
    return await knowledge.get(ann, item.id)


async def texts_of(ann: Context, item: KnowledgeItem) -> list[str]:
    return [each.text for each in await known.passages(ann, item.id)]


async def test_a_page_gives_its_title_and_address(
    services: Services, ann: Context, avatar: Avatar, fetcher: FakeFetcher
) -> None:
    fetcher.add(f"{SITE}/a", b"# About us\n\nWe bake bread.")
    item = await indexed(services, ann, avatar, "url", Addition(url=f"{SITE}/a"))
    assert (item.title, item.status) == ("About us", KnowledgeStatus.READY)
    [passage, *_] = await known.passages(ann, item.id)
    assert (passage.url, passage.title) == (f"{SITE}/a", "About us")


async def test_an_own_title_stays(services: Services, ann: Context, avatar: Avatar, fetcher: FakeFetcher) -> None:
    fetcher.add(f"{SITE}/a", b"# About us\n\nWe bake bread.")
    assert (await indexed(services, ann, avatar, "url", Addition("Mine", url=f"{SITE}/a"))).title == "Mine"


async def test_a_pair_is_found_by_its_question(services: Services, ann: Context, avatar: Avatar) -> None:
    item = await indexed(services, ann, avatar, "qa", Addition(question="When do you open?", answer="At nine."))
    assert [each.title for each in await known.passages(ann, item.id)] == ["When do you open?"]
    [found] = await knowledge.try_question(ann, avatar.id, "When do you open?")
    assert found.text == "At nine."


async def test_a_site_is_read_page_by_page(
    services: Services, ann: Context, avatar: Avatar, fetcher: FakeFetcher
) -> None:
    fetcher.add(SITE + "/", f"# Home\n\nSee <{SITE}/b>, <{SITE}/private>, <{SITE}/gone>.".encode())
    fetcher.add(f"{SITE}/b", b"# B\n\nThe second page.")
    fetcher.add(f"{SITE}/private", b"Not for robots.")
    item = await indexed(services, ann, avatar, "site", Addition(url=SITE, crawl=Crawl(max_pages=10)))
    passages = await known.passages(ann, item.id)
    assert {(each.title, each.url) for each in passages} == {("Home", f"{SITE}/"), ("B", f"{SITE}/b")}
    assert f"{SITE}/private" not in fetcher.fetched


async def test_a_site_has_no_more_passages_than_a_document(
    services: Services, ann: Context, avatar: Avatar, fetcher: FakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PIECES_MAX", 4)
    for page, following in enumerate("bcdef"):
        fetcher.add(f"{SITE}/{page or ''}", f"Page {page}.\n\n<{SITE}/{page + 1}> {following}".encode())
    item = await indexed(services, ann, avatar, "site", Addition(url=SITE, crawl=Crawl(max_depth=9)))
    assert (item.status, item.passage_count) == (KnowledgeStatus.READY, 4)
    assert fetcher.fetched == [f"{SITE}/", f"{SITE}/1"]


async def test_a_site_that_never_ends_counts_as_far_as_it_was_read(
    ann: Context, avatar: Avatar, fetcher: FakeFetcher, reader: ParagraphReader
) -> None:
    source = DocumentSource(fetcher, FakeRobots(), reader, pause=lambda _: 0, site_seconds=0.01)
    fetcher.add(f"{SITE}/", f"# Home\n\n<{SITE}/1>".encode())
    item = await knowledge.add(ann, avatar.id, "site", Addition(url=SITE))

    async def told(done: int, total: int) -> None:
        if done:
            await asyncio.Event().wait()

    assert len((await source.document(item, None, told)).pieces) == 2
    reader.gate.clear()
    with pytest.raises(Unreadable) as failed:
        await source.document(item, None, told)
    assert (failed.value.code, failed.value.passing) == (FailureCode.UNREACHABLE, True)


class Interrupted(FakeFetcher):
    """The database is away from one page to the next."""

    def __init__(self, store: TroubledStore, clock: FakeClock) -> None:
        super().__init__()
        self._store, self._clock = store, clock

    async def fetch(self, url: str, media_types: Sequence[str], max_bytes: int) -> Raw:
        self._store.broken = not self._store.broken
        self._clock.advance(TOLD_EVERY)
        return await super().fetch(url, media_types, max_bytes)


async def test_a_crawl_is_not_lost_when_the_database_is_away_for_a_moment(
    store: TroubledStore, clock: FakeClock, sign_in: FakeSignIn
) -> None:
    fetcher = Interrupted(store, clock)
    fetcher.add(f"{SITE}/", f"# Home\n\n<{SITE}/1>".encode())
    fetcher.add(f"{SITE}/1", b"We bake bread.")
    async with house.services(clock=clock, store=store, sign_in=sign_in, fetcher=fetcher) as services:
        ann = caller(services, "ann")
        avatar = await avatars.create(ann, AVATAR)
        item = await indexed(services, ann, avatar, "site", Addition(url=SITE))
    assert (item.status, item.passage_count) == (KnowledgeStatus.READY, 3)
    assert fetcher.fetched == [f"{SITE}/", f"{SITE}/1"]


async def test_a_site_fails_only_if_no_page_can_be_read(
    services: Services, ann: Context, avatar: Avatar, fetcher: FakeFetcher
) -> None:
    fetcher.fail(f"{SITE}/", FailureCode.NEEDS_JAVASCRIPT)
    item = await indexed(services, ann, avatar, "site", Addition(url=SITE))
    assert (item.status, item.failure) == (KnowledgeStatus.FAILED, FailureCode.NEEDS_JAVASCRIPT)


async def test_what_fails_for_good_says_why(services: Services, ann: Context, avatar: Avatar) -> None:
    item = await indexed(services, ann, avatar, "url", Addition(url=f"{SITE}/none"))
    assert (item.status, item.failure) == (KnowledgeStatus.FAILED, FailureCode.NOT_FOUND)
    assert "no such page" in (item.reason or "")


async def test_a_failed_reindexing_leaves_the_old_passages(
    services: Services, ann: Context, avatar: Avatar, fetcher: FakeFetcher
) -> None:
    fetcher.add(f"{SITE}/a", b"We bake bread.")
    item = await indexed(services, ann, avatar, "url", Addition(url=f"{SITE}/a"))
    fetcher.fail(f"{SITE}/a", FailureCode.NOT_FOUND)
    await knowledge.reindex(ann, item.id)
    await all_done(services)
    assert (await knowledge.get(ann, item.id)).status is KnowledgeStatus.FAILED
    assert await texts_of(ann, item) == ["We bake bread."]


async def test_what_may_pass_is_tried_again_and_not_for_ever(
    services: Services, ann: Context, avatar: Avatar, fetcher: FakeFetcher, clock: FakeClock
) -> None:
    fetcher.fail(f"{SITE}/a", FailureCode.UNREACHABLE)
    item = await knowledge.add(ann, avatar.id, "url", Addition(url=f"{SITE}/a"))
    async with services.workers.running():
        for attempt in range(1, ATTEMPTS + 1):
            while len(fetcher.fetched) < attempt or (await knowledge.get(ann, item.id)).failure is None:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            waiting = await knowledge.get(ann, item.id)
            expected = KnowledgeStatus.QUEUED if attempt < ATTEMPTS else KnowledgeStatus.FAILED
            assert (waiting.status, waiting.failure) == (expected, FailureCode.UNREACHABLE)
            clock.advance(200)
            services.workers.wake()
        await no_jobs(services.store)
    assert len(fetcher.fetched) == ATTEMPTS


async def test_a_document_that_is_too_slow_to_read_is_not_tried_again(
    services: Services, ann: Context, avatar: Avatar, fetcher: FakeFetcher
) -> None:
    fetcher.fail(f"{SITE}/a", FailureCode.TOO_SLOW)
    item = await indexed(services, ann, avatar, "url", Addition(url=f"{SITE}/a"))
    assert (item.status, item.failure) == (KnowledgeStatus.FAILED, FailureCode.TOO_SLOW)
    assert "Split it" in (item.reason or "")
    assert len(fetcher.fetched) == 1


async def test_progress_is_told_in_order(services: Services, ann: Context, avatar: Avatar, clock: FakeClock) -> None:
    clock.advance(10)
    item = await knowledge.add(ann, avatar.id, "text", TEXT)
    seen: list[KnowledgeStatus] = []
    async with services.news.follow(avatar.id) as news, services.workers.running():
        while KnowledgeStatus.READY not in seen:
            event = await anext(news)
            assert isinstance(event, KnowledgeProgress)
            seen.append(event.item.status)
    assert seen == sorted(seen, key=list(KnowledgeStatus).index)
    assert (await knowledge.get(ann, item.id)).done == 70


async def test_a_stopped_job_goes_on_where_it_was(
    services: Services, ann: Context, avatar: Avatar, reader: ParagraphReader, embedder: Counting, clock: FakeClock
) -> None:
    item = await knowledge.add(ann, avatar.id, "text", TEXT)
    embedder.gate.clear()
    async with services.workers.running():
        while not embedder.texts:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    embedder.gate.set()
    clock.advance(LEASE.total_seconds() + 1)
    await all_done(services)
    ready = await knowledge.get(ann, item.id)
    assert (ready.status, ready.generation, ready.passage_count) == (KnowledgeStatus.READY, 1, 70)
    assert reader.readings == 1, "what was stored is not read again"
    assert len(set(await texts_of(ann, item))) == 70


async def test_new_content_while_the_old_is_read(
    services: Services, ann: Context, avatar: Avatar, reader: ParagraphReader, vectors: MemoryVectors
) -> None:
    item = await knowledge.add(ann, avatar.id, "text", TEXT)
    reader.gate.clear()
    async with services.workers.running():
        await begun(reader, 1)
        await knowledge.change(ann, item.id, Addition(content="Only this."))
        reader.gate.set()
        await no_jobs(services.store)
    assert await texts_of(ann, item) == ["Only this."]
    [found] = await knowledge.try_question(ann, avatar.id, "Only this?")
    assert found.text == "Only this."


async def test_new_content_while_the_old_is_embedded_has_vectors_of_its_own(
    services: Services, ann: Context, avatar: Avatar, embedder: Counting, vectors: MemoryVectors
) -> None:
    item = await knowledge.add(ann, avatar.id, "text", TEXT)
    embedder.gate.clear()
    async with services.workers.running():
        while not embedder.texts:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await knowledge.change(ann, item.id, Addition(content="Bread."))
        embedder.gate.set()
        await no_jobs(services.store)
    assert await texts_of(ann, item) == ["Bread."]
    [vector] = await BagOfWords().embed([f"{item.title}\nBread."])
    [nearest] = await vectors.nearest(avatar.id, "counting", vector, 10)
    assert nearest.score > 0.99


async def test_an_item_deleted_on_the_way_ends_quietly(
    services: Services,
    ann: Context,
    avatar: Avatar,
    embedder: Counting,
    vectors: MemoryVectors,
    caplog: pytest.LogCaptureFixture,
) -> None:
    item = await knowledge.add(ann, avatar.id, "text", TEXT)
    embedder.gate.clear()
    with caplog.at_level(logging.WARNING):
        async with services.workers.running():
            while not embedder.texts:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await knowledge.delete(ann, item.id)
            embedder.gate.set()
            await no_jobs(services.store)
    [vector] = await BagOfWords().embed(["Paragraph"])
    assert await vectors.nearest(avatar.id, "counting", vector, 10) == []
    assert not caplog.records


async def test_a_worker_that_lost_its_lease_changes_nothing(
    services: Services, ann: Context, avatar: Avatar, embedder: Counting, clock: FakeClock, store: TroubledStore
) -> None:
    item = await knowledge.add(ann, avatar.id, "text", TEXT)
    embedder.gate.clear()
    async with services.workers.running():
        while not embedder.texts:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        clock.advance(LEASE.total_seconds() + 1)
        now = clock.now()
        taken = await store.write(lambda tx: tx.jobs.claim(Lane.QUICK, "another", now, now + LEASE))
        assert taken is not None
        assert (await knowledge.get(ann, item.id)).status is KnowledgeStatus.INDEXING
        embedder.broken = True
        embedder.gate.set()
        await embedder.refused.wait()
        store.committed.clear()
        await store.committed.wait()
    assert (await knowledge.get(ann, item.id)).status is KnowledgeStatus.INDEXING


class TwoReadings(ParagraphReader):
    """Each of the first two waits for a gate of its own; the first one fails then."""

    def __init__(self) -> None:
        super().__init__()
        self.gates = [asyncio.Event(), asyncio.Event()]

    async def read(self, raw: Raw) -> Document:
        document = await super().read(raw)
        number = self.readings
        await self.gates[number - 1].wait()
        if number == 1:
            raise Unreadable(FailureCode.BROKEN)
        return document


async def begun(reader: ParagraphReader, readings: int) -> None:
    while reader.readings < readings:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def test_two_workers_of_one_server_never_take_each_other_for_the_one_with_the_lease(
    clock: FakeClock, store: TroubledStore, sign_in: FakeSignIn, ann: Context, avatar: Avatar, fetcher: FakeFetcher
) -> None:
    reader = TwoReadings()
    fetcher.add(f"{SITE}/a", b"We bake bread.")
    async with house.services(clock=clock, store=store, sign_in=sign_in, reader=reader, fetcher=fetcher) as services:
        ann.services = services
        item = await knowledge.add(ann, avatar.id, "url", Addition(url=f"{SITE}/a"))
        async with services.workers.running():
            await begun(reader, 1)
            clock.advance(LEASE.total_seconds() + 1)
            services.workers.wake()
            await begun(reader, 2)
            store.committed.clear()
            reader.gates[0].set()
            await store.committed.wait()
            reader.gates[1].set()
            await no_jobs(store)
        assert (await knowledge.get(ann, item.id)).status is KnowledgeStatus.READY


async def test_a_new_model_takes_over_while_the_old_one_serves(
    services: Services, ann: Context, avatar: Avatar, embedder: Counting, embedders: FakeEmbedders
) -> None:
    item = await indexed(services, ann, avatar, "text", TEXT)
    embedders.chosen, embedders._others = Counting("newer"), (embedder,)
    assert (await known.summary(ann, avatar.id)).reindexing
    assert await knowledge.try_question(ann, avatar.id, "Paragraph 7 has words of its own.")
    await all_done_with_model(services, ann, avatar, "newer")
    summary = await known.summary(ann, avatar.id)
    assert (summary.counts.model, summary.reindexing) == ("newer", False)
    ids = [each.id for each in await known.passages(ann, item.id)]
    assert await services.recall.vectors.missing(avatar.id, "newer", ids) == []
    assert await services.recall.vectors.missing(avatar.id, "counting", ids) == ids


async def all_done_with_model(services: Services, ann: Context, avatar: Avatar, model: str) -> None:
    async with watching_models(services):
        while (await known.summary(ann, avatar.id)).counts.model != model:
            services.workers.wake()
            await asyncio.sleep(0.005)
        await no_jobs(services.store)


async def test_words_alone_do_without_an_embedder(
    services: Services, ann: Context, avatar: Avatar, embedders: FakeEmbedders
) -> None:
    embedders.chosen = None
    item = await indexed(services, ann, avatar, "text", Addition(content="We bake bread."))
    assert item.status is KnowledgeStatus.READY
    assert (await known.summary(ann, avatar.id)).counts.model is None
    assert await knowledge.try_question(ann, avatar.id, "Do you bake bread?")


async def test_what_was_added_without_the_model_gets_its_vectors_when_that_is_back(
    services: Services, ann: Context, avatar: Avatar, embedder: Counting, embedders: FakeEmbedders
) -> None:
    first = await indexed(services, ann, avatar, "text", Addition(content="We open at nine."))
    async with watching_models(services):
        embedders.chosen = None
        second = await knowledge.add(ann, avatar.id, "text", Addition(content="We bake bread."))
        await no_jobs(services.store)
        assert (await known.summary(ann, avatar.id)).counts.model is None
        embedders.chosen = embedder
        await searched_with(services, ann, embedder.model, first, second)


async def test_a_model_that_comes_while_an_item_goes_live_without_it_is_taken_up(
    services: Services, ann: Context, avatar: Avatar, embedder: Counting, embedders: FakeEmbedders
) -> None:
    class Arriving(FakeEmbedders):
        """Is asked for the first time when the item's vectors are to be made."""

        asked = 0

        def current(self) -> Embedder | None:
            self.asked += 1
            return None if self.asked == 1 else super().current()

    arriving = Arriving(embedder)
    async with house.services(
        clock=services.clock, store=services.store, sign_in=services.sign_in, embedders=arriving
    ) as others:
        ann.services = others
        await indexed(others, ann, avatar, "text", Addition(content="We bake bread."))
        assert (await known.summary(ann, avatar.id)).counts.model == embedder.model


async def test_a_model_that_cannot_be_asked_is_not_told(
    services: Services, ann: Context, avatar: Avatar, embedders: FakeEmbedders
) -> None:
    await indexed(services, ann, avatar, "text", TEXT)
    embedders.chosen = None
    assert (await known.summary(ann, avatar.id)).counts.model is None


async def test_vectors_that_were_lost_are_made_anew(
    services: Services, ann: Context, avatar: Avatar, embedder: Counting
) -> None:
    """As when a backup of the database is restored on another machine."""
    item = await indexed(services, ann, avatar, "text", TEXT)
    vectors = services.recall.vectors
    await vectors.remove_avatar(avatar.id)
    assert await vectors.is_empty()
    async with watching_models(services):
        await searched_with(services, ann, embedder.model, item)


async def test_new_vectors_do_not_hide_that_others_were_lost(
    services: Services, ann: Context, avatar: Avatar, embedder: Counting, embedders: FakeEmbedders
) -> None:
    """As when somebody adds an item before the restored server has looked what is there."""
    first = await indexed(services, ann, avatar, "text", TEXT)
    ids = [each.id for each in await known.passages(ann, first.id)]
    vectors = services.recall.vectors
    await vectors.remove_avatar(avatar.id)
    async with house.services(
        clock=services.clock, store=services.store, sign_in=services.sign_in, embedders=embedders, vectors=vectors
    ) as restored:
        ann.services = restored
        await indexed(restored, ann, avatar, "text", Addition(content="We bake bread."))
    assert await vectors.missing(avatar.id, embedder.model, ids) == []


async def searched_with(services: Services, ann: Context, model: str, *items: KnowledgeItem) -> None:
    """Waits until the avatar is searched with the model, and every passage of the items has a vector of it."""
    avatar_id = items[0].avatar_id
    ids = [each.id for item in items for each in await known.passages(ann, item.id)]
    assert len(ids) >= len(items)
    missing = services.recall.vectors.missing
    while (await known.summary(ann, avatar_id)).counts.model != model or await missing(avatar_id, model, ids):
        services.workers.wake()
        await asyncio.sleep(0.005)


async def test_a_surprise_is_logged_by_its_kind_alone(
    services: Services, ann: Context, avatar: Avatar, reader: ParagraphReader, caplog: pytest.LogCaptureFixture
) -> None:
    reader.surprise = "secret words"
    item = await knowledge.add(ann, avatar.id, "text", TEXT)
    async with services.workers.running():
        while (await knowledge.get(ann, item.id)).failure is None:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert (await knowledge.get(ann, item.id)).failure is FailureCode.INTERNAL
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text
