"""Recalling what an avatar knows about a question: both searches, and the passages that are worth telling."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
class Recall:
    store: Store
    embedders: Embedders
    vectors: Vectors

    async def about(self, avatar_id: str, question: str, earlier: Sequence[Turn] = ()) -> Recalled:
        """What the avatar knows about the visitor's newest words. `earlier` are the turns before them."""
        if not await self.store.read(lambda tx: tx.passages.languages(avatar_id)):
            return Recalled()
        ranking = await self.ranking(avatar_id, question, earlier)
        findings = await self.store.read(lambda tx: found(tx, worth_showing(ranking)))
        return Recalled(findings, knows_anything=True)

    async def ranking(self, avatar_id: str, question: str, earlier: Sequence[Turn] = ()) -> list[Match]:
        """Every passage that a search found, scored with its relevance, best first."""
        asked = [question, *filter(None, [in_context(question, earlier)])]
        lexical, dense = await asyncio.gather(self._lexical(avatar_id, asked), self._dense(avatar_id, asked))
        return best_of(*(fused(by_words, dense[place] if dense else None) for place, by_words in enumerate(lexical)))

    async def _lexical(self, avatar_id: str, asked: Sequence[str]) -> list[list[Match]]:
        return await self.store.read(
            lambda tx: [tx.passages.matching(avatar_id, question, CANDIDATES) for question in asked]
        )

    async def _dense(self, avatar_id: str, asked: Sequence[str]) -> list[list[Match]] | None:
        """None while there is no embedder, or while it does not answer: then words alone decide."""
        embedder = await self._embedder(avatar_id)
        if embedder is None:
            return None
        try:
            async with asyncio.timeout(EMBEDDING_SECONDS):
                return await asyncio.gather(*(self._nearest(avatar_id, embedder, question) for question in asked))
        except (Unavailable, TimeoutError) as error:
            log.warning("searching by words alone: %s", type(error).__name__)
            return None

    async def _nearest(self, avatar_id: str, embedder: Embedder, question: str) -> list[Match]:
        """Each question is embedded by itself: a batch would wait behind passages that are being indexed."""
        [vector] = await embedder.embed([question])
        return await self.vectors.nearest(avatar_id, embedder.model, vector, CANDIDATES)

    async def _embedder(self, avatar_id: str) -> Embedder | None:
        """The one that made the vectors of the avatar; while a new model takes over, still the old one."""
        model = await self.store.read(lambda tx: tx.knowledge.model(avatar_id))
        return self.embedders.named(model) if model else None


def found(tx: Tx, matches: Sequence[Match]) -> tuple[Finding, ...]:
    """The passages with their neighbours, numbered. A hit within an earlier one's reach is part of it."""
    relevances = {match.passage_id: match.score for match in matches}
    findings: list[Finding] = []
    told: set[str] = set()
    for hit in tx.passages.live(list(relevances)):
        if hit.id in told:
            continue
        around = [
            passage for passage in tx.passages.around(hit, REACH) if passage.id not in told and alike(passage, hit)
        ]
        told.update(passage.id for passage in around)
        findings.append(Finding(len(findings) + 1, relevances[hit.id], titled(tx, hit), joined(around)))
    return tuple(findings)


def titled(tx: Tx, passage: Passage) -> Passage:
    """With the title that its owner gave the item by now. A site's pages and a pair's question keep their own."""
    item = tx.knowledge.by_id(passage.avatar_id, passage.item_id)
    if item is None or item.type in (KnowledgeType.SITE, KnowledgeType.QA):
        return passage
    return replace(passage, title=item.title)


def alike(neighbour: Passage, hit: Passage) -> bool:
    """Whether both stand under the same heading of the same page, so that they read as one text."""
    return (neighbour.url, neighbour.heading) == (hit.url, hit.heading)
