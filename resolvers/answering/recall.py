"""Recalling what an avatar knows about a question: both searches, and the passages that are worth telling."""

import asyncio
import logging
from asyncio import Task
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import repeat

from domain.ai.prompts import Utterance
from domain.errors import Unavailable
from domain.knowledge.items import KnowledgeType, Match, Passage
from domain.knowledge.ports import Embedder, Embedders, Vector, Vectors
from domain.knowledge.retrieval import (
    CANDIDATES,
    NOTHING,
    REACH,
    Finding,
    Recalled,
    fused,
    in_context,
    joined,
    merged,
    worth_showing,
)
from domain.tables import Store, Tx

log = logging.getLogger("avatarium.recall")

EMBEDDING_SECONDS = 2.0
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Searched:
    """What words alone find for each question, and the model that made the avatar's vectors.

    While a new model takes over, it is still the old one.
    """

    lexical: Sequence[list[Match]]
    model: str | None


@dataclass(frozen=True, slots=True)
class Recall:
    """`_models` are those of the vectors of the avatars that were searched last, the newest at the end."""

    store: Store
    embedders: Embedders
    vectors: Vectors
    _models: dict[str, str | None] = field(default_factory=dict, init=False)

    async def about(self, avatar_id: str, question: str, earlier: Sequence[Utterance] = ()) -> Recalled:
        """What the avatar knows about the visitor's newest words. `earlier` are those before them."""
        ranking = await self._ranking(avatar_id, asked_by(question, earlier))
        if ranking is None:
            return NOTHING
        shown = worth_showing(ranking)
        findings = await self.store.read(lambda tx: found(tx, avatar_id, shown)) if shown else ()
        return Recalled(findings, knows_anything=True)

    async def ranking(self, avatar_id: str, question: str, earlier: Sequence[Utterance] = ()) -> list[Match]:
        """Every passage that a search found, scored with its relevance, best first."""
        return await self._ranking(avatar_id, asked_by(question, earlier)) or []

    async def _ranking(self, avatar_id: str, asked: Sequence[str]) -> list[Match] | None:
        """None for an avatar without knowledge. What is asked is embedded while the database is searched by words.

        The model of the avatar's vectors is known only afterwards; nearly always it is the likely one.
        """
        likely = self._likely(avatar_id)
        async with embedding(likely, asked) as vectors:
            searched = await self.store.read(lambda tx: searched_by_words(tx, avatar_id, asked))
            if searched is None:
                return None
            self._remember(avatar_id, searched.model)
            if likely and likely.model == searched.model:
                return await self._ranked(avatar_id, asked[0], searched, vectors)
        actual = self.embedders.named(searched.model) if searched.model else None
        async with embedding(actual, asked) as vectors:
            return await self._ranked(avatar_id, asked[0], searched, vectors)

    def _likely(self, avatar_id: str) -> Embedder | None:
        """The model that the avatar's vectors had last, or else the current one."""
        if avatar_id not in self._models:
            return self.embedders.current()
        model = self._models[avatar_id]
        return self.embedders.named(model) if model else None

    def _remember(self, avatar_id: str, model: str | None) -> None:
        self._models.pop(avatar_id, None)
        self._models[avatar_id] = model
        if len(self._models) > REMEMBERED:
            del self._models[next(iter(self._models))]

    async def _ranked(
        self, avatar_id: str, question: str, searched: Searched, vectors: Sequence[Task[Vector]]
    ) -> list[Match]:
        dense = await self._dense(avatar_id, searched.model, vectors) if searched.model and vectors else None
        return merged(question, *map(fused, searched.lexical, dense or repeat(None)))

    async def _dense(self, avatar_id: str, model: str, vectors: Sequence[Task[Vector]]) -> Sequence[list[Match]] | None:
        """None while the embedder does not answer: then words alone decide."""
        try:
            async with asyncio.timeout(EMBEDDING_SECONDS):
                return await asyncio.gather(*(self._nearest(avatar_id, model, vector) for vector in vectors))
        except (Unavailable, TimeoutError) as error:
            log.warning("searching by words alone: %s", type(error).__name__)
            return None

    async def _nearest(self, avatar_id: str, model: str, vector: Task[Vector]) -> list[Match]:
        return await self.vectors.nearest(avatar_id, model, await vector, CANDIDATES)


@asynccontextmanager
async def embedding(embedder: Embedder | None, asked: Sequence[str]) -> AsyncIterator[Sequence[Task[Vector]]]:
    """A task for the vector of each question; none without an embedder. Leaving gives up those that still run."""
    tasks = [asyncio.create_task(embedded(embedder, question)) for question in asked] if embedder else []
    try:
        # All begin before the block does.
        await asyncio.sleep(0)
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def embedded(embedder: Embedder, question: str) -> Vector:
    """Each question is embedded by itself: a batch would wait behind passages that are being indexed."""
    [vector] = await embedder.embed([question])
    return vector


def asked_by(question: str, earlier: Sequence[Utterance]) -> list[str]:
    """The question by itself, and if it follows up on earlier words also below these."""
    return [question, *filter(None, [in_context(question, earlier)])]


def searched_by_words(tx: Tx, avatar_id: str, asked: Sequence[str]) -> Searched | None:
    lexical = tx.passages.matching(avatar_id, asked, CANDIDATES)
    return None if lexical is None else Searched(lexical, tx.knowledge.model(avatar_id))


def found(tx: Tx, avatar_id: str, matches: Sequence[Match]) -> tuple[Finding, ...]:
    """The passages with their neighbours, numbered. A hit within an earlier one's reach is part of it."""
    relevances = {match.passage_id: match.score for match in matches}
    hits = tx.passages.around(list(relevances), REACH)
    titles = titles_of(tx, avatar_id, {hit.item_id for hit, _ in hits})
    findings: list[Finding] = []
    told: set[str] = set()
    for hit, neighbours in hits:
        if hit.id in told:
            continue
        around = [passage for passage in neighbours if passage.id not in told and alike(passage, hit)]
        told.update(passage.id for passage in around)
        titled = replace(hit, title=titles.get(hit.item_id) or hit.title)
        findings.append(Finding(len(findings) + 1, relevances[hit.id], titled, joined(around)))
    return tuple(findings)


def titles_of(tx: Tx, avatar_id: str, item_ids: Collection[str]) -> Mapping[str, str]:
    """The titles that their owner gave the items by now. Passages keep their own in a site and in a pair."""
    items = tx.knowledge.by_ids(avatar_id, item_ids)
    return {item.id: item.title for item in items if item.type not in (KnowledgeType.SITE, KnowledgeType.QA)}


def alike(neighbour: Passage, hit: Passage) -> bool:
    """Whether both stand under the same heading of the same page, so that they read as one text."""
    return (neighbour.url, neighbour.heading) == (hit.url, hit.heading)
