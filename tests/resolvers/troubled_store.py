"""A database with troubles, when a test says so."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from domain.errors import Unavailable
from domain.tables import Store, Tx
from tests.fakes.outer_store import OuterStore

T = TypeVar("T")


class TroubledStore(OuterStore):
    """While `broken` it refuses writes, while `unreadable` reads.

    From `hold` to `release` it commits writes, but does not say so.
    """

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.broken = self.unreadable = False
        self.refusal: Exception = Unavailable("disk full")
        self.committed = asyncio.Event()
        self._released = asyncio.Event()
        self._released.set()

    def hold(self) -> None:
        self.committed.clear()
        self._released.clear()

    def release(self) -> None:
        self._released.set()

    async def read(self, work: Callable[[Tx], T]) -> T:
        if self.unreadable:
            raise self.refusal
        return await super().read(work)

    async def write(self, work: Callable[[Tx], T]) -> T:
        if self.broken:
            raise self.refusal
        answer = await super().write(work)
        self.committed.set()
        await self._released.wait()
        return answer
