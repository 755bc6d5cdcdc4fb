"""The matrices of the avatars that were asked last, within a bound of bytes."""

from collections import OrderedDict
from dataclasses import dataclass

from adapters.vectors.matrices import Matrix

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """`checked` is when its version was last found to be the one in the store, by the monotonic clock."""

    matrix: Matrix
    version: str = ""
    checked: float = 0.0


class VectorCache:
    """By avatar and model. Keeps one matrix at least, however large it is."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._bytes = 0

    @property
    def size(self) -> int:
        """In bytes."""
        return self._bytes

    def get(self, key: Key) -> Entry | None:
        if entry := self._entries.get(key):
            self._entries.move_to_end(key)
        return entry

    def set(self, key: Key, entry: Entry) -> None:
        self.drop(key)
        self._entries[key] = entry
        self._bytes += entry.matrix.size
        while self._bytes > self._most and len(self._entries) > 1:
            self.drop(next(iter(self._entries)))

    def drop(self, key: Key) -> None:
        if entry := self._entries.pop(key, None):
            self._bytes -= entry.matrix.size

    def drop_avatar(self, avatar_id: str) -> None:
        for key in [key for key in self._entries if key[0] == avatar_id]:
            self.drop(key)
