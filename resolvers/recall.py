"""Recalling what an avatar knows about a question: both searches, and the passages that are worth telling."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import repeat

from domain.errors import Unavailable
from domain.knowledge import KnowledgeType, Match, Passage
from domain.knowledge_ports import Embedder, Embedders, Vectors
from domain.ports import Store, Tx
from domain.prompts import Turn
from domain.retrieval import (
    CANDIDATES,
    REACH,
    Finding,
    Recalled,
    best_of,
    fused,
    in_context,
    joined,
    worth_showing,
)

log = logging.getLogger("avatarium.recall")

EMBEDDING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Searched:
    """What an avatar was asked, and what words alone find for each of these.

    `model` is the one that made the avatar's vectors; while a new one takes over, still the old one.
    """

    asked: Sequence[str]
    lexical: Sequence[list[Match]]
    model: str | None


@dataclass(frozen=True, slots=True)
class Recall:
    store: Store
    embedders: Embedders
    vectors: Vectors

    async def about(self, avatar_id: str, question: str, earlier: Sequence[Turn] = ()) -> Recalled:
        """What the avatar knows about the visitor's newest words. `earlier` are the turns before them."""
        searched = await self._searched(avatar_id, asked_by(question, earlier))
        if searched is None:
            return Recalled()
        shown = worth_showing(await self._ranked(avatar_id, searched))
        findings = await self.store.read(lambda tx: found(tx, shown)) if shown else ()
        return Recalled(findings, knows_anything=True)

    async def ranking(self, avatar_id: str, question: str, earlier: Sequence[Turn] = ()) -> list[Match]:
        """Every passage that a search found, scored with its relevance, best first."""
        searched = await self._searched(avatar_id, asked_by(question, earlier))
        return await self._ranked(avatar_id, searched) if searched else []

    async def _searched(self, avatar_id: str, asked: Sequence[str]) -> Searched | None:
        """One read for all that is asked before the question is embedded; None for an avatar without knowledge."""
        return await self.store.read(lambda tx: searched_by_words(tx, avatar_id, asked))

    async def _ranked(self, avatar_id: str, searched: Searched) -> list[Match]:
        dense = await self._dense(avatar_id, searched)
        return best_of(*map(fused, searched.lexical, dense or repeat(None)))

    async def _dense(self, avatar_id: str, searched: Searched) -> Sequence[list[Match]] | None:
        """None while there is no embedder, or while it does not answer: then words alone decide."""
        embedder = self.embedders.named(searched.model) if searched.model else None
        if embedder is None:
            return None
        try:
            async with asyncio.timeout(EMBEDDING_SECONDS):
                return await asyncio.gather(*(self._nearest(avatar_id, embedder, each) for each in searched.asked))
        except (Unavailable, TimeoutError) as error:
            log.warning("searching by words alone: %s", type(error).__name__)
            return None

    async def _nearest(self, avatar_id: str, embedder: Embedder, question: str) -> list[Match]:
        """Each question is embedded by itself: a batch would wait behind passages that are being indexed."""
        [vector] = await embedder.embed([question])
        return await self.vectors.nearest(avatar_id, embedder.model, vector, CANDIDATES)


def asked_by(question: str, earlier: Sequence[Turn]) -> list[str]:
    """The question by itself, and if it follows up on earlier words also below these."""
    return [question, *filter(None, [in_context(question, earlier)])]


def searched_by_words(tx: Tx, avatar_id: str, asked: Sequence[str]) -> Searched | None:
    if not tx.passages.languages(avatar_id):
        return None
    lexical = [tx.passages.matching(avatar_id, question, CANDIDATES) for question in asked]
    return Searched(asked, lexical, tx.knowledge.model(avatar_id))


def found(tx: Tx, matches: Sequence[Match]) -> tuple[Finding, ...]:
    """The passages with their neighbours, numbered. A hit within an earlier one's reach is part of it."""
    relevances = {match.passage_id: match.score for match in matches}
    hits = tx.passages.live(list(relevances))
    titles = {item_id: title_of(tx, avatar_id, item_id) for avatar_id, item_id in owners(hits)}
    findings: list[Finding] = []
    told: set[str] = set()
    for hit in hits:
        if hit.id in told:
            continue
        around = [
            passage for passage in tx.passages.around(hit, REACH) if passage.id not in told and alike(passage, hit)
        ]
        told.update(passage.id for passage in around)
        titled = replace(hit, title=titles[hit.item_id] or hit.title)
        findings.append(Finding(len(findings) + 1, relevances[hit.id], titled, joined(around)))
    return tuple(findings)


def owners(passages: Sequence[Passage]) -> set[tuple[str, str]]:
    """The avatar and the item of each."""
    return {(passage.avatar_id, passage.item_id) for passage in passages}


def title_of(tx: Tx, avatar_id: str, item_id: str) -> str | None:
    """The title that its owner gave the item by now. None where passages keep their own: a site's and a pair's do."""
    item = tx.knowledge.by_id(avatar_id, item_id)
    return None if item is None or item.type in (KnowledgeType.SITE, KnowledgeType.QA) else item.title


def alike(neighbour: Passage, hit: Passage) -> bool:
    """Whether both stand under the same heading of the same page, so that they read as one text."""
    return (neighbour.url, neighbour.heading) == (hit.url, hit.heading)
