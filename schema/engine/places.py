"""How many operations of one WebSocket are executed or sent at once.

A client that sends many and reads none would else have every answer made, and all of them kept.
"""

import asyncio
from contextvars import ContextVar
from types import TracebackType

PLACES = 4


class Place:
    """One operation's: held while something is executed or sent, and free while a subscription waits for events."""

    __slots__ = ("_held", "_places")

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places, self._held = places, False

    async def take(self) -> None:
        await self._places.acquire()
        self._held = True

    def leave(self) -> None:
        if self._held:
            self._held = False
            self._places.release()

    async def __aenter__(self) -> "Place":
        await self.take()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()


place_of_operation: ContextVar[Place] = ContextVar("place_of_operation")
