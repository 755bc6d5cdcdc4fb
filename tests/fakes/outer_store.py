"""A store around another one, for tests that watch or disturb what passes."""

from collections.abc import Callable
from typing import TypeVar

from domain.tables import Store, Tx

T = TypeVar("T")


class OuterStore(Store):
    def __init__(self, inner: Store) -> None:
        self._inner = inner

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await self._inner.read(work)

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await self._inner.write(work)

    async def erased(self) -> None:
        await self._inner.erased()
