"""BM25 over the passages of one avatar, the same on both databases.

Scores are divided by the greatest that the question could reach, so they run from 0 to 1. The formula is that of
Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), equation 3.15.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from adapters.words.terms import HIDDEN
from domain.knowledge.items import Match

K1 = 1.2
B = 0.4
USUAL_LENGTH = 120
"""Terms of a passage. The splitter makes them about as long as this, so the true mean is not looked up."""

RECORD = HIDDEN + 1
"""Characters of a hidden term and the space after it: as many as two numbers of eight bytes have."""
PAIR = np.dtype([("first", "<u8"), ("second", "<u8")])

Groups = Sequence[Sequence[str]]
Numbers = NDArray[np.int64]
Postings = Mapping[str, Numbers]
NOTHING: Numbers = np.empty(0, np.int64)


def rarity(passages: int, having: int) -> float:
    """The weight of a term that `having` of the passages have."""
    return math.log(1 + (passages - having + 0.5) / (having + 0.5))


def weights(groups: Groups, postings: Postings, passages: int) -> list[float]:
    """A weight for each word of the question: the rarest of its forms that are there decides."""
    counts = [[len(postings[term]) for term in group if term in postings] for group in groups]
    return [rarity(max(passages, *having), min(having)) if having else rarity(passages, 0) for having in counts]


def candidates(groups: Groups, weighed: Sequence[float], postings: Postings, most: int) -> Numbers:
    """The passages with the greatest weight of words, whatever their length."""
    having = [union([postings[term] for term in group if term in postings]) for group in groups]
    each = np.repeat(np.asarray(weighed), [len(numbers) for numbers in having])
    found, positions = np.unique(np.concatenate(having), return_inverse=True)
    sums = np.bincount(positions, each)
    best: Numbers = found[np.argsort(-sums, kind="stable")[:most]]
    return best


def union(postings: Sequence[Numbers]) -> Numbers:
    return np.unique(np.concatenate(postings)) if len(postings) > 1 else next(iter(postings), NOTHING)


def ranked(groups: Groups, weighed: Sequence[float], found: Mapping[str, str], limit: int) -> list[Match]:
    """`found` has the terms of each candidate by its id: hidden ones, separated by spaces."""
    lengths = np.array([(len(text) + 1) // RECORD for text in found.values()], np.int64)
    held = np.frombuffer("".join(f"{text} " for text in found.values() if text).encode(), PAIR)
    owners = np.repeat(np.arange(len(lengths)), lengths)
    slack = K1 * (1 - B + B * lengths / USUAL_LENGTH)
    scores = np.zeros(len(lengths))
    for group, weight in zip(groups, weighed, strict=True):
        often = np.max([np.bincount(owners[places(held, term)], minlength=len(lengths)) for term in group], axis=0)
        scores += weight * often * (K1 + 1) / (often + slack)
    shares = (scores / (sum(weighed) or 1.0) / (K1 + 1)).tolist()
    matches = [Match(*pair) for pair in zip(found, shares, strict=True)]
    return sorted(matches, key=lambda match: (-match.score, match.passage_id))[:limit]


def places(held: NDArray[np.void], term: str) -> NDArray[np.intp]:
    """Where the term stands."""
    [(first, second)] = np.frombuffer(f"{term} ".encode(), PAIR).tolist()
    alike = np.flatnonzero(held["first"] == first)
    same: NDArray[np.intp] = alike[held["second"][alike] == second]
    return same
