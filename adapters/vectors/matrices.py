"""The vectors of one avatar as one matrix, searched exactly, and its copy in a file that loads in milliseconds."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adapters.vectors.coarse import Coarse, Rows, coarse
from domain.knowledge.items import Match

log = logging.getLogger("avatarium.vectors")

MANY = 2000
"""So many rows are looked at coarsely first."""
LOOKED_AT = 2
"""Times as many rows as are asked for, which are then compared exactly."""
ID_BYTES = 36
NAME = f"S{ID_BYTES}"
HEADER_BYTES = 4
ASCII_END = 128

Names = NDArray[np.bytes_]


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Never changed in place, so it can be searched while a newer one is made.

    `ids` are passage ids in ASCII, of at most 36 characters, `items` those of their items; `rows` are the vectors
    of length one. All are in the same order. `coarse` is for a first look, where there are `MANY`.
    """

    ids: Names
    items: Names
    rows: Rows
    coarse: Coarse | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size(self) -> int:
        """In bytes."""
        return self.ids.nbytes + self.items.nbytes + self.rows.nbytes + (self.coarse.size if self.coarse else 0)

    def nearest(self, vector: Sequence[float], limit: int) -> list[Match]:
        """Best first."""
        if not len(self) or limit < 1:
            return []
        asked = np.asarray(vector, np.float32)
        likely = greatest(self.coarse.products(asked), LOOKED_AT * limit) if self.coarse else np.arange(len(self))
        # Not with @: a busy machine's BLAS threads wait for each other, ten times as long as this takes.
        scores = np.vecdot(self.rows[likely] if self.coarse else self.rows, asked)
        best = greatest(scores, limit)
        best = best[np.argsort(-scores[best], kind="stable")]
        found = zip(self.ids[likely[best]].tolist(), scores[best].tolist(), strict=True)
        return [Match(passage_id.decode(), score) for passage_id, score in found]

    def having(self, more: "Matrix") -> "Matrix":
        """With the other's vectors in place of those that had the same ids."""
        kept = self.without(more.ids)
        if not len(kept):
            return more
        ids, items = np.concatenate((kept.ids, more.ids)), np.concatenate((kept.items, more.items))
        rows = np.concatenate((kept.rows, more.rows))
        return Matrix(ids, items, rows, kept.coarse.followed_by(more.rows) if kept.coarse else coarse_of(rows))

    def without(self, ids: Names) -> "Matrix":
        gone = np.isin(self.ids, ids)
        if not gone.any():
            return self
        rest = ~gone
        return Matrix(self.ids[rest], self.items[rest], self.rows[rest], self.coarse and self.coarse.only(rest))

    def keeping(self, item_id: str, passage_ids: Sequence[str]) -> "Matrix":
        """Without the item's other passages; itself where there are none."""
        others = (self.items == item_id.encode()) & ~np.isin(self.ids, names(passage_ids))
        return self.without(self.ids[others])


def matrix(ids: Sequence[str], items: Sequence[str], rows: Rows) -> Matrix:
    return Matrix(names(ids), names(items), rows, coarse_of(rows))


def coarse_of(rows: Rows) -> Coarse | None:
    return coarse(rows) if len(rows) >= MANY else None


def greatest(scores: NDArray[np.floating], count: int) -> NDArray[np.intp]:
    """Their places, in no order."""
    return np.argpartition(-scores, count - 1)[:count] if count < len(scores) else np.arange(len(scores))


def names(ids: Sequence[str]) -> Names:
    """Raises `ValueError` for an id that is too long."""
    if any(len(each) > ID_BYTES for each in ids):
        raise ValueError(f"an id has more than {ID_BYTES} characters")
    return np.array(ids, NAME)


def empty() -> Matrix:
    return matrix([], [], np.empty((0, 0), np.float32))


class MatrixFiles:
    """One file for each avatar and model. Where there is a file, it has every vector that is stored elsewhere.

    It may have more of them after a crash, never fewer: what is added is added here first, and is on the disk
    before it is anywhere else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, avatar_id: str, model: str) -> Matrix | None:
        try:
            content = self._path(avatar_id, model).read_bytes()
        except FileNotFoundError:
            return None
        whole = whole_records(content)
        if whole is None:
            log.error("The file of an avatar's vectors is damaged; it is made anew")
            return None
        return Matrix(whole["id"], whole["item"], whole["vector"], coarse_of(whole["vector"]))

    def write(self, avatar_id: str, model: str, content: Matrix) -> None:
        path = self._path(avatar_id, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".new")
        with unfinished.open("wb") as file:
            file.write(content.rows.shape[1].to_bytes(4, "little"))
            file.write(records_of(content))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync_folder(path.parent)

    def append(self, avatar_id: str, model: str, content: Matrix) -> None:
        """For ids that the file does not have. It must exist and not be empty."""
        records = record_type(content.rows.shape[1])
        with self._path(avatar_id, model).open("r+b") as file:
            whole = (file.seek(0, os.SEEK_END) - 4) // records.itemsize
            file.seek(4 + whole * records.itemsize)
            file.write(records_of(content))
            file.flush()
            os.fsync(file.fileno())

    def remove(self, avatar_id: str, model: str | None = None) -> None:
        """The avatar's file of one model, or those of all."""
        paths = [self._path(avatar_id, model)] if model else list(self._folder.glob(f"*/{digest(avatar_id)}.*"))
        for path in paths:
            path.unlink(missing_ok=True)
            sync_folder(path.parent)

    def _path(self, avatar_id: str, model: str) -> Path:
        return self._folder / digest(model) / f"{digest(avatar_id)}.vectors"


def whole_records(content: bytes) -> NDArray[np.void] | None:
    """None for what no crash leaves. A record that one cut off at the end was not stored elsewhere yet."""
    dimension, rest = int.from_bytes(content[:HEADER_BYTES], "little"), len(content) - HEADER_BYTES
    if rest < 0 or 0 < rest < 2 * ID_BYTES + 4 * dimension:
        return None
    records = record_type(dimension)
    whole = np.frombuffer(content, records, rest // records.itemsize, HEADER_BYTES)
    return whole if (np.ascontiguousarray(whole["id"]).view(np.uint8) < ASCII_END).all() else None


def records_of(content: Matrix) -> bytes:
    records = np.empty(len(content), record_type(content.rows.shape[1]))
    records["id"], records["item"], records["vector"] = content.ids, content.items, content.rows
    return records.tobytes()


def record_type(dimension: int) -> np.dtype[np.void]:
    return np.dtype([("id", NAME), ("item", NAME), ("vector", "<f4", (dimension,))])


def digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:16]


def sync_folder(folder: Path) -> None:
    """Without it a crash could bring back a file that was removed or replaced."""
    if os.name == "nt" or not folder.exists():
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
