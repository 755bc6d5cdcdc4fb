"""Fits the weights of domain/knowledge/retrieval.py to the labelled set.

`python -m bench.quality.calibration` prints them.

The passages are those of all documents in one avatar and of each document in an avatar of its own, with headings
and as flowing text. So the weights hold for a large and a small knowledge base, and for short and long passages.
Each question is judged by weights that were fitted without its document.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from adapters.database.store import open_store
from adapters.embedding.minilm import MiniLm
from bench.quality.labelled import Labelled, LabelledDocument, add_avatar, documents, flowing, questions
from domain.knowledge.items import Match, Passage
from domain.knowledge.retrieval import CANDIDATES, Calibration, background, in_context, refers_back
from domain.tables import Store, Tx
from tests.parts.minilm import built

JUDGED = 10
"""The best passages of each search. Those far down would say only that far passages do not answer."""
FOLDS = 8
RIDGE = 0.01
STEPS = 30
BINS = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Samples:
    """A row each: `scores` are nearness and share. `fold` names what is left out together."""

    scores: Floats
    answers: Floats
    weights: Floats
    fold: NDArray[np.str_]


class Embedded:
    """Texts as vectors, each embedded once."""

    def __init__(self, minilm: MiniLm) -> None:
        self._minilm, self._known = minilm, dict[str, Sequence[float]]()

    async def matrix(self, texts: Sequence[str]) -> Floats:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, await self._minilm.embed(new) if new else [], strict=True))
        return np.array([self._known[text] for text in texts])


def knowledge_bases() -> Iterator[list[LabelledDocument]]:
    for layout in (documents(), [flowing(each) for each in documents()]):
        yield layout
        yield from ([each] for each in layout)


async def samples(store: Store, embedded: Embedded) -> Samples:
    asked = [(each, words) for each in questions() if (words := meant(each))]
    vectors = await embedded.matrix([words for _, words in asked])
    rows: list[tuple[float, float, bool, float, str]] = []
    for known in knowledge_bases():
        rows += await rows_of(store, embedded, known, asked, vectors)
    *columns, folds = zip(*rows, strict=True)
    near, share, answers, weights = (np.array(column, float) for column in columns)
    return Samples(np.stack([near, share], 1), answers, weights, np.array(folds))


def meant(asked: Labelled) -> str | None:
    """The question below what it follows. None where it is merely short: it may follow, or stand alone."""
    below = in_context(asked.ask, asked.earlier)
    if below and not refers_back(asked.ask):
        return None
    return below or asked.ask


async def rows_of(
    store: Store,
    embedded: Embedded,
    known: list[LabelledDocument],
    asked: Sequence[tuple[Labelled, str]],
    vectors: Floats,
) -> list[tuple[float, float, bool, float, str]]:
    avatar, passages = await store.write(lambda tx: add_avatar(tx, known))
    cosines = vectors @ (await embedded.matrix([passage.indexed_text for passage in passages])).T
    rows: list[tuple[float, float, bool, float, str]] = []
    for (each, words), near in zip(asked, cosines, strict=True):
        matches = await store.read(partial(matching, avatar.id, words))
        usual = background([Match("", score) for score in sorted(near, reverse=True)])
        shares = {match.passage_id: match.score for match in matches}
        weight = weight_of(each, passages, known)
        for place in judged(near, [shares.get(passage.id, 0.0) for passage in passages]):
            passage = passages[place]
            rows.append(
                (near[place] - usual, shares.get(passage.id, 0.0), each.answered_by(passage), weight, fold_of(each))
            )
    return rows


def matching(avatar_id: str, words: str, tx: Tx) -> list[Match]:
    [found] = tx.passages.matching(avatar_id, [words], CANDIDATES) or [[]]
    return found


def judged(*scores: Sequence[float] | Floats) -> set[int]:
    return {int(place) for each in scores for place in np.argsort(-np.asarray(each), kind="stable")[:JUDGED]}


def weight_of(each: Labelled, passages: Sequence[Passage], known: Sequence[LabelledDocument]) -> float:
    """The many small knowledge bases that cannot answer a question count as one together."""
    can_answer = any(each.answered_by(passage) for passage in passages)
    return 1.0 if can_answer or len(known) > 1 else 1 / len(documents())


def fold_of(each: Labelled) -> str:
    return each.labels[0].document if each.labels else f"none {crc32(each.ask.encode()) % FOLDS}"


def fitted(columns: Floats, answers: Floats, weights: Floats) -> Floats:
    """The logistic regression's bias and weights, by Newton's method."""
    rows = np.c_[np.ones(len(columns)), columns]
    found = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (weights * (answers - likely)) - RIDGE * found
        bend = (rows * (weights * likely * (1 - likely))[:, None]).T @ rows + RIDGE * np.eye(len(found))
        found = found + np.linalg.solve(bend, slope)
    return found


def held_out(given: Samples, columns: Floats) -> Floats:
    """Each sample's relevance by weights that were fitted without its fold."""
    relevance = np.zeros(len(columns))
    for fold in np.unique(given.fold):
        out = given.fold == fold
        found = fitted(columns[~out], given.answers[~out], given.weights[~out])
        relevance[out] = 1 / (1 + np.exp(-(found[0] + columns[out] @ found[1:])))
    return relevance


def report(name: str, given: Samples, columns: Floats, calibration: Calibration) -> None:
    print(f"\n{name}: {calibration}\n\n| relevance | passages | answer |\n| --- | --- | --- |")
    relevance = held_out(given, columns)
    for low, high in pairwise(BINS):
        within = (relevance >= low) & (relevance < high)
        count = given.weights[within].sum()
        answering = (given.weights * given.answers)[within].sum() / count if count else 0.0
        print(f"| {low:.2f} to {high:.2f} | {count:.0f} | {answering:.2f} |")


async def calibrate() -> None:
    minilm = MiniLm(built())
    with tempfile.TemporaryDirectory() as directory:
        async with open_store(f"sqlite:///{Path(directory) / 'bench.db'}") as store:
            given = await samples(store, Embedded(minilm))
    await minilm.close()
    words = given.scores[:, 1:]
    by_words = fitted(words, given.answers, given.weights).round(2).tolist()
    both = fitted(given.scores, given.answers, given.weights).round(2).tolist()
    report("LEXICAL_ONLY", given, words, Calibration(by_words[0], 0.0, by_words[1]))
    report("HYBRID", given, given.scores, Calibration(*both))


if __name__ == "__main__":
    asyncio.run(calibrate())
