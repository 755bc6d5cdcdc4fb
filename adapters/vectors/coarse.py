"""Vectors in eight bits: a quarter of the memory to read, for a first look at many of them."""

from dataclasses import dataclass

import numpy as np
import simsimd
from numpy.typing import NDArray

STEPS = 127
ROUNDED_AT_ONCE = 256
"""Rows whose intermediate results stay in the processor's cache."""

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Coarse:
    """Each number of a row is a count of its `units`, the row's largest number being 127 of them."""

    rows: NDArray[np.int8]
    units: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def size(self) -> int:
        """In bytes."""
        return self.rows.nbytes + self.units.nbytes

    def products(self, vector: Rows) -> NDArray[np.float64]:
        """With each row, usually off by a thousandth for vectors of length one. Lets other threads run meanwhile."""
        asked = coarse(vector[np.newaxis])
        steps = np.asarray(simsimd.cdist(asked.rows, self.rows, "dot"))[0]
        products: NDArray[np.float64] = steps * (asked.units * self.units)
        return products

    def followed_by(self, rows: Rows) -> "Coarse":
        more = coarse(rows)
        return Coarse(np.concatenate((self.rows, more.rows)), np.concatenate((self.units, more.units)))

    def only(self, kept: NDArray[np.bool_]) -> "Coarse":
        return Coarse(self.rows[kept], self.units[kept])


def coarse(rows: Rows) -> Coarse:
    steps, units = np.empty(rows.shape, np.int8), np.empty(len(rows), np.float32)
    for start in range(0, len(rows), ROUNDED_AT_ONCE):
        some = slice(start, start + ROUNDED_AT_ONCE)
        units[some] = np.maximum(rows[some].max(axis=1), -rows[some].min(axis=1)) / STEPS
        steps[some] = np.rint(rows[some] / np.maximum(units[some], np.finfo(np.float32).tiny)[:, np.newaxis])
    return Coarse(steps, units)
