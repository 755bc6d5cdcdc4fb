"""How long the database takes, for the metrics."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from adapters.observing.metrics import Metrics
from domain.errors import Unavailable
from domain.tables import Store, Tx

T = TypeVar("T")


def measured(store: Store, metrics: Metrics | None) -> Store:
    return MeasuredStore(store, metrics) if metrics else store


class MeasuredStore(Store):
    """Another store, whose reads and writes are measured."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store, self._metrics = store, metrics

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await self._measured("read", self._store.read(work))

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await self._measured("write", self._store.write(work))

    async def erased(self) -> None:
        await self._store.erased()

    async def _measured(self, name: str, working: Awaitable[T]) -> T:
        began = monotonic()
        try:
            return await working
        except Unavailable:
            self._metrics.not_answered(name)
            raise
        finally:
            self._metrics.asked(name, monotonic() - began)
