"""Recalling what an avatar knows: both searches, neighbours, follow-ups, and what happens when a part fails."""

import asyncio
import gc
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from bench.quality.labelled import add_avatar, documents, questions
from domain.ai.prompts import Utterance
from domain.avatars import Avatar
from domain.errors import Unavailable
from domain.knowledge.items import Match, Passage
from domain.knowledge.ports import Vector
from domain.knowledge.retrieval import SHOWN, Recalled
from domain.sessions import Role
from domain.tables import Store, Tx
from resolvers.answering import recall as recalling
from resolvers.answering.recall import Recall
from tests.builders import a_passage, an_account, an_avatar, an_item
from tests.fakes.embedder import BagOfWords, FakeEmbedders
from tests.fakes.lexicon import add_passages
from tests.fakes.outer_store import OuterStore
from tests.fakes.vectors import MemoryVectors

T = TypeVar("T")
OTTERS = "Otters hold hands while they are sleeping, so that they do not drift apart."
BATS = "Bats hang from the ceiling of the cave and come out at dusk."
CAFE = "Our cafe serves pancakes with maple syrup until noon."
OTHERS = ("The gate is green.", "Rain falls on Mondays.", "A piano stands in the hall.", "Maps are sold at the desk.")


class Down(BagOfWords):
    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        raise Unavailable("The embedder is down.")


class Endless(BagOfWords):
    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        return await asyncio.Future[list[Vector]]()


class Noting(BagOfWords):
    """Notes what it is asked, and what of it was given up; never answers while it `waits`."""

    def __init__(self, model: str = "bag-of-words", waits: bool = False) -> None:
        super().__init__(model)
        self.asked, self.waits = asyncio.Event(), waits
        self.texts: list[str] = []
        self.given_up: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.texts += texts
        self.asked.set()
        try:
            if self.waits:
                await asyncio.Future[None]()
        except asyncio.CancelledError:
            self.given_up += texts
            raise
        return await super().embed(texts)


class DownVectors(MemoryVectors):
    async def nearest(self, avatar_id: str, model: str, vector: Vector, limit: int) -> list[Match]:
        raise Unavailable("The vectors are down.")


class NotingVectors(MemoryVectors):
    def __init__(self) -> None:
        super().__init__()
        self.searched: list[str] = []

    async def nearest(self, avatar_id: str, model: str, vector: Vector, limit: int) -> list[Match]:
        self.searched.append(model)
        return await super().nearest(avatar_id, model, vector, limit)


class CountingStore(OuterStore):
    reads = 0

    async def read(self, work: Callable[[Tx], T]) -> T:
        self.reads += 1
        return await super().read(work)


class GatedStore(OuterStore):
    """Its reads end only when `gate` is set."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.gate = asyncio.Event()

    async def read(self, work: Callable[[Tx], T]) -> T:
        answer = await super().read(work)
        await self.gate.wait()
        return answer


@pytest.fixture
async def avatar(store: Store) -> Avatar:
    return await stored_avatar(store)


async def stored_avatar(store: Store) -> Avatar:
    account = an_account()
    avatar = an_avatar(account)

    def add(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)

    await store.write(add)
    return avatar


async def known(store: Store, avatar: Avatar, *texts: str, heading: str | None = None) -> list[Passage]:
    """A live item with a passage for each text, each under a heading of its own unless one is given."""
    item = an_item(avatar, passage_count=len(texts))
    passages = [
        a_passage(item, text, place, heading=f"Part {place}" if heading is None else heading)
        for place, text in enumerate(texts)
    ]

    def add(tx: Tx) -> None:
        tx.knowledge.add(item, None)
        add_passages(tx, passages)

    await store.write(add)
    return passages


async def embedded(
    store: Store,
    avatar: Avatar,
    passages: Sequence[Passage],
    embedder: BagOfWords,
    vectors: MemoryVectors | None = None,
) -> Recall:
    """Recall over passages whose vectors were made while the embedder still worked."""
    vectors = vectors or MemoryVectors()
    made = await BagOfWords().embed([passage.indexed_text for passage in passages])
    by_id = {passage.id: vector for passage, vector in zip(passages, made, strict=True)}
    await vectors.put(avatar.id, embedder.model, "item", by_id)
    await store.write(lambda tx: tx.knowledge.use_model(avatar.id, embedder.model))
    return Recall(store, FakeEmbedders(embedder), vectors)


def by_words(store: Store) -> Recall:
    return Recall(store, FakeEmbedders(), MemoryVectors())


def texts(recalled: Recalled) -> list[str]:
    return [finding.text for finding in recalled.findings]


async def test_an_avatar_without_knowledge_recalls_nothing(store: Store, avatar: Avatar) -> None:
    assert await by_words(store).about(avatar.id, "Do otters sleep?") == Recalled()


async def test_it_reads_once_to_search_and_once_to_tell(store: Store) -> None:
    counting = CountingStore(store)
    avatar, other = await stored_avatar(store), await stored_avatar(store)
    recall = await embedded(counting, avatar, await known(store, avatar, OTTERS, CAFE), BagOfWords())
    for asked, question, reads in (
        (other, "Do otters sleep?", 1),
        (avatar, "Who composed Parsifal?", 1),
        (avatar, "Do otters hold hands?", 2),
    ):
        counting.reads = 0
        await recall.about(asked.id, question, [Utterance(Role.USER, "Tell me about them.")])
        assert counting.reads == reads


async def test_it_finds_by_words_and_by_meaning(store: Store, avatar: Avatar) -> None:
    passages = await known(store, avatar, OTTERS, BATS, CAFE, *OTHERS)
    recall = await embedded(store, avatar, passages, BagOfWords())
    recalled = await recall.about(avatar.id, "Do otters hold hands?")
    assert recalled.knows_anything
    best = recalled.findings[0]
    assert (best.number, best.text, best.passage) == (1, OTTERS, passages[0])
    assert best.citation().passage_id == passages[0].id


async def test_the_findings_are_numbered_and_the_best_is_first(store: Store, avatar: Avatar) -> None:
    await known(store, avatar, *(f"Otters eat fish number {place} at the pier." for place in range(8)))
    recalled = await by_words(store).about(avatar.id, "What do otters eat at the pier?")
    assert [finding.number for finding in recalled.findings] == list(range(1, SHOWN + 1))
    relevances = [finding.relevance for finding in recalled.findings]
    assert relevances == sorted(relevances, reverse=True)


async def test_an_unrelated_question_brings_nothing(store: Store, avatar: Avatar) -> None:
    passages = await known(store, avatar, OTTERS, BATS, CAFE, *OTHERS)
    for recall in (by_words(store), await embedded(store, avatar, passages, BagOfWords())):
        assert await recall.about(avatar.id, "Who composed Parsifal?") == Recalled((), knows_anything=True)


async def test_another_avatars_passages_are_never_recalled(store: Store, avatar: Avatar) -> None:
    other = await stored_avatar(store)
    passages = await known(store, other, OTTERS)
    await known(store, avatar, CAFE)
    vectors = MemoryVectors()
    await embedded(store, other, passages, BagOfWords(), vectors)
    await store.write(lambda tx: tx.knowledge.use_model(avatar.id, BagOfWords().model))
    for recall in (by_words(store), Recall(store, FakeEmbedders(BagOfWords()), vectors)):
        assert texts(await recall.about(avatar.id, "Do otters hold hands while sleeping?")) == []


async def test_neighbours_under_the_same_heading_are_told_with_it(store: Store, avatar: Avatar) -> None:
    await known(store, avatar, OTHERS[0], OTTERS, OTHERS[1], OTHERS[2], heading="Animals")
    recalled = await by_words(store).about(avatar.id, "Do otters hold hands?")
    assert texts(recalled) == [f"{OTHERS[0]}\n\n{OTTERS}\n\n{OTHERS[1]}"]


async def test_neighbours_under_other_headings_are_not(store: Store, avatar: Avatar) -> None:
    await known(store, avatar, OTHERS[0], OTTERS, OTHERS[1])
    assert texts(await by_words(store).about(avatar.id, "Do otters hold hands?")) == [OTTERS]


async def test_a_hit_within_anothers_reach_is_told_once(store: Store, avatar: Avatar) -> None:
    await known(store, avatar, OTTERS, "Otters hold hands, again.", heading="Animals")
    recalled = await by_words(store).about(avatar.id, "Do otters hold hands?")
    assert texts(recalled) == [f"{OTTERS}\n\nOtters hold hands, again."]


async def test_a_follow_up_is_understood_from_what_was_said(store: Store, avatar: Avatar) -> None:
    await known(store, avatar, OTTERS, BATS, CAFE, *OTHERS)
    earlier = [Utterance(Role.USER, "Tell me about bats in the cave"), Utterance(Role.ASSISTANT, "They hang there.")]
    assert texts(await by_words(store).about(avatar.id, "And when do they come out?", earlier))[0] == BATS


async def test_a_short_question_about_something_else_is_not_answered_from_the_earlier_topic(
    store: Store, avatar: Avatar
) -> None:
    passages = await known(store, avatar, OTTERS, BATS, CAFE, *OTHERS)
    earlier = [Utterance(Role.USER, "Tell me about bats in the cave"), Utterance(Role.ASSISTANT, "They hang there.")]
    for recall in (by_words(store), await embedded(store, avatar, passages, BagOfWords())):
        assert texts(await recall.about(avatar.id, "Pancakes until noon?", earlier)) == [CAFE]


@pytest.mark.parametrize("embedder", [Down(), Endless()], ids=["down", "slow"])
async def test_without_its_embedder_it_searches_by_words(
    store: Store,
    avatar: Avatar,
    embedder: BagOfWords,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(recalling, "EMBEDDING_SECONDS", 0.01)
    recall = await embedded(store, avatar, await known(store, avatar, OTTERS, CAFE), embedder)
    with caplog.at_level(logging.WARNING):
        assert texts(await recall.about(avatar.id, "Do otters hold hands?")) == [OTTERS]
    assert "words alone" in caplog.text
    assert "otters" not in caplog.text


async def test_the_question_is_embedded_while_the_database_is_searched(store: Store, avatar: Avatar) -> None:
    gated, embedder = GatedStore(store), Noting()
    recall = await embedded(gated, avatar, await known(store, avatar, OTTERS, CAFE), embedder)
    earlier = [Utterance(Role.USER, "Tell me about otters.")]
    recalled = asyncio.create_task(recall.about(avatar.id, "Do they hold hands?", earlier))
    await embedder.asked.wait()
    assert not gated.gate.is_set()
    gated.gate.set()
    assert texts(await recalled)[0] == OTTERS
    assert embedder.texts == ["Do they hold hands?", "Tell me about otters.\nDo they hold hands?"]


async def test_a_question_that_needs_no_vector_is_not_embedded_to_its_end(store: Store, avatar: Avatar) -> None:
    by_words_alone = await stored_avatar(store)
    await known(store, by_words_alone, OTTERS, CAFE)
    for asked, answers in ((avatar, []), (by_words_alone, [OTTERS])):
        embedder = Noting(waits=True)
        recall = Recall(store, FakeEmbedders(embedder), MemoryVectors())
        assert texts(await recall.about(asked.id, "Do otters hold hands?")) == answers
        assert embedder.given_up == embedder.texts == ["Do otters hold hands?"]


async def test_an_embedder_that_failed_in_vain_is_not_told_of(
    store: Store, avatar: Avatar, caplog: pytest.LogCaptureFixture
) -> None:
    recall = Recall(store, FakeEmbedders(Down()), MemoryVectors())
    assert await recall.about(avatar.id, "Do otters sleep?") == Recalled()
    gc.collect()
    assert not caplog.records


async def test_a_stopped_turn_gives_the_embedding_up(store: Store, avatar: Avatar) -> None:
    embedder = Noting(waits=True)
    recall = Recall(GatedStore(store), FakeEmbedders(embedder), MemoryVectors())
    recalled = asyncio.create_task(recall.about(avatar.id, "Otters?"))
    await embedder.asked.wait()
    recalled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await recalled
    assert embedder.given_up == ["Otters?"]


@pytest.mark.parametrize(
    "current", [Noting("new", waits=True), Noting("new"), Down("new")], ids=["slow", "fast", "down"]
)
async def test_vectors_of_an_older_model_are_searched_with_that_model(
    store: Store, avatar: Avatar, current: BagOfWords
) -> None:
    older, vectors = Noting("old"), NotingVectors()
    recall = await embedded(store, avatar, await known(store, avatar, OTTERS, CAFE), older, vectors)
    during = Recall(store, FakeEmbedders(current, older), vectors)
    question = "Do otters hold hands?"
    assert await during.ranking(avatar.id, question) == await recall.ranking(avatar.id, question)
    assert vectors.searched == ["old", "old"]
    assert not isinstance(current, Noting) or current.given_up == (current.texts if current.waits else [])


async def test_a_model_that_is_known_to_have_made_no_vectors_is_not_asked(store: Store) -> None:
    """Of the first question nothing is known yet; a second one is embedded ahead by the model that made the vectors."""
    gated, vectors = GatedStore(store), NotingVectors()
    gated.gate.set()
    avatar, by_words_alone = await stored_avatar(store), await stored_avatar(store)
    current, older = Noting("new"), Noting("old")
    await embedded(store, avatar, await known(store, avatar, OTTERS, CAFE), older, vectors)
    await known(store, by_words_alone, OTTERS, CAFE)
    recall = Recall(gated, FakeEmbedders(current, older), vectors)
    for asked in (avatar, by_words_alone):
        assert await recall.ranking(asked.id, "Do otters hold hands?")
    current.texts.clear()
    older.asked.clear()
    gated.gate.clear()
    ranked = [asyncio.create_task(recall.ranking(asked.id, "Otters?")) for asked in (avatar, by_words_alone)]
    await older.asked.wait()
    gated.gate.set()
    assert all(await asyncio.gather(*ranked))
    assert older.texts == ["Do otters hold hands?", "Otters?"]
    assert current.texts == []
    assert vectors.searched == ["old", "old"]


async def test_a_model_that_has_taken_over_is_followed(store: Store, avatar: Avatar) -> None:
    older, vectors = Noting("old"), NotingVectors()
    passages = await known(store, avatar, OTTERS, CAFE)
    await embedded(store, avatar, passages, older, vectors)
    current, embedders = Noting("new"), FakeEmbedders(older)
    recall = Recall(store, embedders, vectors)
    await recall.ranking(avatar.id, "Do otters hold hands?")
    embedders.chosen = current
    await embedded(store, avatar, passages, current, vectors)
    for _ in range(2):
        await recall.ranking(avatar.id, "Do otters hold hands?")
    assert vectors.searched == ["old", "new", "new"]
    assert len(current.texts) == 2


async def test_of_the_avatars_searched_last_only_so_many_are_remembered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalling, "REMEMBERED", 1)
    avatars = [await stored_avatar(store) for _ in range(2)]
    for avatar in avatars:
        await known(store, avatar, OTTERS, CAFE)
    embedder = Noting()
    recall = Recall(store, FakeEmbedders(embedder), MemoryVectors())
    for avatar in (*avatars, avatars[1], avatars[0]):
        await recall.ranking(avatar.id, avatar.id)
    assert embedder.texts == [avatars[0].id, avatars[1].id, avatars[0].id]


async def test_without_its_vectors_it_searches_by_words(store: Store, avatar: Avatar) -> None:
    passages = await known(store, avatar, OTTERS, CAFE)
    recall = await embedded(store, avatar, passages, BagOfWords(), DownVectors())
    assert texts(await recall.about(avatar.id, "Do otters hold hands?")) == [OTTERS]


async def test_a_model_that_is_gone_leaves_the_words(store: Store, avatar: Avatar) -> None:
    await known(store, avatar, OTTERS, CAFE)
    await store.write(lambda tx: tx.knowledge.use_model(avatar.id, "gone"))
    recall = Recall(store, FakeEmbedders(BagOfWords()), MemoryVectors())
    assert texts(await recall.about(avatar.id, "Do otters hold hands?")) == [OTTERS]


async def test_the_labelled_questions_are_answered_as_well_as_before(store: Store) -> None:
    """By words alone, which is fast; the table of `python -m bench retrieval` has the whole."""
    avatar, passages = await store.write(lambda tx: add_avatar(tx, documents()))
    by_id = {passage.id: passage for passage in passages}
    asked = [each for each in questions() if each.kind in ("exact", "follow-up")]
    right = 0
    for each in asked:
        ranking = await by_words(store).ranking(avatar.id, each.ask, each.earlier)
        right += any(each.answered_by(by_id[match.passage_id]) for match in ranking[:SHOWN])
    assert right / len(asked) > 0.85


async def test_every_label_has_its_passage(store: Store) -> None:
    _, passages = await store.write(lambda tx: add_avatar(tx, documents()))
    every = questions()
    for each in every:
        for label in each.labels:
            assert any(label.fits(passage) for passage in passages), label
    assert len(passages) >= 300
    assert len(every) >= 80
    assert sum(not each.labels for each in every) >= 20
    assert sum(each.kind == "follow-up" for each in every) >= 15
