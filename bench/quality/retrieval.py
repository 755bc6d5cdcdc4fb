"""How well passages are found, by the labelled set: both searches alone, made one, and what a visitor is shown.

All documents belong to one avatar, so that what looks alike in one of them competes with the answer in another.
"""

import math
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from adapters.database.store import open_store
from adapters.embedding.minilm import MiniLm
from adapters.system_clock import SystemClock
from adapters.vectors.chroma_vectors import open_vectors
from bench.quality.labelled import Labelled, LabelledDocument, add_avatar, documents, questions, unstructured
from bench.report import Of, Row, at_least, at_most
from bench.scale import QUICK, Scale
from domain.knowledge.items import Match, Passage
from domain.knowledge.retrieval import CANDIDATES, FLOOR, QUOTABLE, SHOWN, Finding, best_of, in_context
from resolvers.answering.recall import Recall
from tests.fakes.embedder import FakeEmbedders
from tests.parts.minilm import built

RANKS_ADDED = 60
"""Reciprocal rank fusion's constant, as in Cormack et al., "Reciprocal Rank Fusion" (2009)."""
QUICK_QUESTIONS = 8
Search = Callable[[Labelled], Awaitable[Sequence[Match]]]


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the questions that have an answer."""

    recall: float
    ndcg: float
    reciprocal_rank: float


class Bench:
    """One avatar that knows all documents, and the ways to search it."""

    def __init__(self, recall: Recall, avatar_id: str, minilm: MiniLm, known: Sequence[Passage]) -> None:
        self.known = {passage.id: passage for passage in known}
        self._recall, self._avatar, self._minilm = recall, avatar_id, minilm

    async def hybrid(self, asked: Labelled) -> Sequence[Match]:
        return await self._recall.ranking(self._avatar, asked.ask, asked.earlier)

    async def lexical(self, asked: Labelled) -> Sequence[Match]:
        by_words = replace(self._recall, embedders=FakeEmbedders())
        return await by_words.ranking(self._avatar, asked.ask, asked.earlier)

    async def dense(self, asked: Labelled) -> Sequence[Match]:
        return best_of(*[await self._nearest(words) for words in spoken(asked)])

    async def by_ranks(self, asked: Labelled) -> Sequence[Match]:
        return best_of(
            *[ranks_fused(await self._matching(words), await self._nearest(words)) for words in spoken(asked)]
        )

    async def told(self, asked: Labelled) -> Sequence[Finding]:
        return (await self._recall.about(self._avatar, asked.ask, asked.earlier)).findings

    async def _nearest(self, words: str) -> list[Match]:
        [vector] = await self._minilm.embed([words])
        return await self._recall.vectors.nearest(self._avatar, self._minilm.model, vector, CANDIDATES)

    async def _matching(self, words: str) -> list[Match]:
        asked = [words]
        found = await self._recall.store.read(lambda tx: tx.passages.matching(self._avatar, asked, CANDIDATES))
        return found[0] if found else []


def spoken(asked: Labelled) -> list[str]:
    return [asked.ask, *filter(None, [in_context(asked.ask, asked.earlier)])]


def ranks_fused(*rankings: Sequence[Match]) -> list[Match]:
    sums: dict[str, float] = {}
    for place, match in chain.from_iterable(enumerate(ranking, 1) for ranking in rankings):
        sums[match.passage_id] = sums.get(match.passage_id, 0.0) + 1 / (RANKS_ADDED + place)
    return best_of([Match(*pair) for pair in sums.items()])


@asynccontextmanager
async def opened(library: Sequence[LabelledDocument]) -> AsyncIterator[Bench]:
    minilm = MiniLm(built())
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        async with (
            open_store(f"sqlite:///{folder / 'bench.db'}") as store,
            open_vectors(folder, None, SystemClock()) as vectors,
        ):
            avatar, known = await store.write(lambda tx: add_avatar(tx, library))
            await store.write(lambda tx: tx.knowledge.use_model(avatar.id, minilm.model))
            made = await minilm.embed([passage.indexed_text for passage in known])
            by_id = {passage.id: vector for passage, vector in zip(known, made, strict=True)}
            await vectors.put(avatar.id, minilm.model, "all", by_id)
            yield Bench(Recall(store, FakeEmbedders(minilm), vectors), avatar.id, minilm, known)
    await minilm.close()


def quality(bench: Bench, answerable: Sequence[Labelled], rankings: Sequence[Sequence[Match]]) -> Quality:
    each = [quality_of(bench, asked, ranking) for asked, ranking in zip(answerable, rankings, strict=True)]
    return Quality(*(statistics.fmean(figures) for figures in zip(*each, strict=True)))


def quality_of(bench: Bench, asked: Labelled, ranking: Sequence[Match]) -> tuple[float, float, float]:
    """recall@5, nDCG@5 and the reciprocal rank of the first passage that answers."""
    right = [asked.answered_by(bench.known[match.passage_id]) for match in ranking]
    wanted = min(SHOWN, sum(asked.answered_by(passage) for passage in bench.known.values()))
    best = sum(gain(place) for place in range(wanted))
    gained = sum(gain(place) for place in range(SHOWN) if place < len(right) and right[place])
    return sum(right[:SHOWN]) / wanted, gained / best, 1 / (right.index(True) + 1) if any(right) else 0.0


def gain(place: int) -> float:
    return 1 / math.log2(place + 2)


def answered(bench: Bench, asked: Labelled, ranking: Sequence[Match], floor: float) -> bool:
    """Whether a passage that answers is among the five best, and above the floor."""
    return any(match.score >= floor and asked.answered_by(bench.known[match.passage_id]) for match in ranking[:SHOWN])


def share(held: Sequence[bool]) -> float:
    return sum(held) / len(held)


async def measure(scale: Scale) -> list[Row]:
    every = questions()
    asked = every[:: len(every) // QUICK_QUESTIONS] if scale is QUICK else every
    return [*await searched(asked), *await told(asked)]


async def searched(asked: Sequence[Labelled]) -> list[Row]:
    async with opened(documents()) as bench:
        answerable = [each for each in asked if each.labels]
        searches: Mapping[str, Search] = {
            "words alone": bench.lexical, "meaning alone": bench.dense, "both, by ranks": bench.by_ranks,
            "both, by relevance": bench.hybrid,
        }  # fmt: skip
        found = {name: [await search(each) for each in answerable] for name, search in searches.items()}
        figures = {name: quality(bench, answerable, rankings) for name, rankings in found.items()}
        shown = [(each, await bench.hybrid(each)) for each in asked if not each.labels]
        return [
            *compared(figures),
            *floors(bench, list(zip(answerable, found["both, by relevance"], strict=True)), shown),
        ]


async def told(asked: Sequence[Labelled]) -> list[Row]:
    """What `LONGEST`, `REACH` and `SHOWN` are weighed by: where headings part no passages, they decide what is told."""
    async with opened([unstructured(each) for each in documents()]) as bench:
        answerable = [each for each in asked if each.labels]
        found = [await bench.told(each) for each in answerable]
    right = [
        [each.answered_by(replace(finding.passage, text=finding.text)) for finding in findings]
        for each, findings in zip(answerable, found, strict=True)
    ]
    characters = [sum(len(finding.text) for finding in findings) for findings in found]
    return [
        Row("without headings: questions whose answer is told", share(list(map(any, right))), ""),
        Row("without headings: questions whose answer is told first", share([any(each[:1]) for each in right]), ""),
        Row("without headings: told for a question, mean", statistics.fmean(characters), "characters"),
    ]


def compared(figures: Mapping[str, Quality]) -> list[Row]:
    """The peer of ours is the better one of its parts."""
    *others, (ours, best) = figures.items()
    rows: list[Row] = []
    for name, of in (("recall@5", "recall"), ("nDCG@5", "ndcg"), ("mean reciprocal rank", "reciprocal_rank")):
        rows += [Row(f"{name}: {other}", getattr(figure, of), "") for other, figure in others]
        peer = max(getattr(figure, of) for _, figure in others[:2])
        rows.append(Row(f"{name}: {ours}", getattr(best, of), "", peer=peer, target=at_least(1, Of.PEER)))
    return rows


def floors(
    bench: Bench,
    answerable: Sequence[tuple[Labelled, Sequence[Match]]],
    unanswerable: Sequence[tuple[Labelled, Sequence[Match]]],
) -> list[Row]:
    rows: list[Row] = []
    for name, floor in ((f"told to a model, from {FLOOR}", FLOOR), (f"quoted, from {QUOTABLE}", QUOTABLE)):
        right = share([answered(bench, each, ranking, floor) for each, ranking in answerable])
        rows.append(Row(f"{name}: questions whose answer is", right, ""))
        for kind, near in (("near ones", True), ("unrelated ones", False)):
            tops = [
                ranking[0].score >= floor for each, ranking in unanswerable if (each.kind == "near") is near and ranking
            ]
            target = None if near or floor == FLOOR else at_most(0.15)
            rows.append(
                Row(f"{name}: unanswerable questions that bring a source, {kind}", share(tops), "", target=target)
            )
    return rows
