"""An embedder that knows words, but not what they mean."""

import math
import re
from collections.abc import Sequence
from zlib import crc32

from domain.knowledge.ports import Embedder, Embedders, Vector

DIMENSION = 256


class BagOfWords(Embedder):
    """Texts are near each other as far as they share words. The same text has the same vector everywhere."""

    def __init__(self, model: str = "bag-of-words") -> None:
        self._model = model

    @property
    def model(self) -> str:
        return self._model

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        return [vector_of(text) for text in texts]


class FakeEmbedders(Embedders):
    """`chosen` may be changed by a test; `others` are older models that still answer."""

    def __init__(self, chosen: Embedder | None = None, *others: Embedder) -> None:
        self.chosen = chosen
        self._others = others

    def current(self) -> Embedder | None:
        return self.chosen

    def named(self, model: str) -> Embedder | None:
        known = (*self._others, *([self.chosen] if self.chosen else []))
        return next((each for each in known if each.model == model), None)


def vector_of(text: str) -> Vector:
    counts = [0.0] * DIMENSION
    for word in re.findall(r"\w+", text.lower()) or [""]:
        counts[crc32(word.encode()) % DIMENSION] += 1
    length = math.hypot(*counts)
    return [count / length for count in counts]
