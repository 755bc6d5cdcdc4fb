"""BM25 over the passages of one avatar, the same on both databases.

Scores are divided by the greatest that the question could reach, so they run from 0 to 1. The formula is that of
Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), equation 3.15.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from domain.knowledge import Match

K1 = 1.2
B = 0.4
USUAL_LENGTH = 120
"""Terms of a passage. The splitter makes them about as long as this, so the true mean is not looked up."""

Groups = Sequence[Sequence[str]]


def rarity(passages: int, having: int) -> float:
    """The weight of a term that `having` of the passages have."""
    return math.log(1 + (passages - having + 0.5) / (having + 0.5))


def weights(groups: Groups, postings: Mapping[str, Sequence[int]], passages: int) -> list[float]:
    """A weight for each word of the question: the rarest of its forms that are there decides."""
    counts = [[len(postings[term]) for term in group if term in postings] for group in groups]
    return [rarity(max(passages, *having), min(having)) if having else rarity(passages, 0) for having in counts]


def candidates(groups: Groups, weighed: Sequence[float], postings: Mapping[str, Sequence[int]], most: int) -> list[int]:
    """The passages with the greatest weight of words, whatever their length."""
    sums: dict[int, float] = {}
    for group, weight in zip(groups, weighed, strict=True):
        for number in {number for term in group for number in postings.get(term, ())}:
            sums[number] = sums.get(number, 0.0) + weight
    return sorted(sums, key=lambda number: (-sums[number], number))[:most]


def ranked(groups: Groups, weighed: Sequence[float], found: Mapping[str, str], limit: int) -> list[Match]:
    """`found` has the terms of each candidate by its id, separated by spaces."""
    greatest = sum(weighed) or 1.0
    matches: list[Match] = []
    for passage_id, text in found.items():
        held = text.split()
        counts = Counter(held)
        slack = K1 * (1 - B + B * len(held) / USUAL_LENGTH)
        score = sum(
            weight * often * (K1 + 1) / (often + slack)
            for group, weight in zip(groups, weighed, strict=True)
            if (often := max(counts[term] for term in group))
        )
        matches.append(Match(passage_id, score / greatest / (K1 + 1)))
    return sorted(matches, key=lambda match: (-match.score, match.passage_id))[:limit]
