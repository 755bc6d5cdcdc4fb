"""Vectors in a dictionary, searched one by one."""

from collections.abc import Mapping, Sequence

from domain.knowledge.items import Match
from domain.knowledge.ports import Vector, Vectors


class MemoryVectors(Vectors):
    def __init__(self) -> None:
        self._stored: dict[tuple[str, str], dict[str, tuple[str, Vector]]] = {}

    async def is_empty(self) -> bool:
        return not self._stored

    async def put(self, avatar_id: str, model: str, item_id: str, vectors: Mapping[str, Vector]) -> None:
        stored = self._stored.setdefault((avatar_id, model), {})
        stored.update({passage_id: (item_id, tuple(vector)) for passage_id, vector in vectors.items()})

    async def missing(self, avatar_id: str, model: str, passage_ids: Sequence[str]) -> list[str]:
        return [each for each in passage_ids if each not in self._stored.get((avatar_id, model), {})]

    async def nearest(self, avatar_id: str, model: str, vector: Vector, limit: int) -> list[Match]:
        stored = self._stored.get((avatar_id, model), {})
        matches = [Match(passage_id, cosine(vector, other)) for passage_id, (_, other) in stored.items()]
        return sorted(matches, key=lambda match: -match.score)[:limit]

    async def keep_only(self, avatar_id: str, item_id: str, passage_ids: Sequence[str]) -> None:
        for (avatar, _), stored in self._stored.items():
            others = [each for each, (item, _) in stored.items() if item == item_id and each not in passage_ids]
            for each in others if avatar == avatar_id else []:
                del stored[each]

    async def remove_model(self, avatar_id: str, model: str) -> None:
        self._stored.pop((avatar_id, model), None)

    async def remove_avatar(self, avatar_id: str) -> None:
        self._stored = {key: stored for key, stored in self._stored.items() if key[0] != avatar_id}


def cosine(one: Vector, other: Vector) -> float:
    """Of vectors of length one."""
    return sum(a * b for a, b in zip(one, other, strict=True))
