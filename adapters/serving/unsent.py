"""What clients have not taken of what they were sent: bounded for the server, and in time for each of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

# A thousand slow lines, each with the two pieces of 64 KiB that a download keeps waiting.
UNSENT_MAX_BYTES = 128 * 1024 * 1024


class Unsent:
    """Of all clients that do not take everything at once. Above `most` bytes those are cut off for whom most waits."""

    def __init__(self, most: int = UNSENT_MAX_BYTES) -> None:
        self._most = most
        self._counted: dict[Backlog, int] = {}
        self.total = 0

    def count(self, backlog: "Backlog", size: int) -> None:
        self.total += size - self._counted.pop(backlog, 0)
        if size:
            self._counted[backlog] = size
        if self.total > self._most:
            self._relieve()

    def _relieve(self) -> None:
        """What was counted may have been taken since."""
        self._counted = {each: each.size for each in self._counted}
        self.total = sum(self._counted.values())
        while self.total > self._most:
            largest = max(self._counted, key=self._counted.__getitem__)
            self.total -= self._counted.pop(largest)
            largest.cut()


class BoundedConfig(uvicorn.Config):
    """`unsent` is one account for all the connections of the server."""

    def __init__(self, *arguments: object, unsent: Unsent, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.unsent = unsent


class Backlog:
    """Of one client. Whoever takes nothing for `patience` seconds is cut off.

    That is as long as a WebSocket waits for a pong; what a client has taken stands in the kernel's buffers, which
    forgive a line that is merely slow.
    """

    patience = 20.0
    __slots__ = ("_account", "_before", "_loop", "_transport", "_waiting", "_watch")

    def __init__(self, transport: asyncio.Transport, account: Unsent, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._account, self._loop = transport, account, loop
        self._waiting = self._before = 0
        self._watch: asyncio.TimerHandle | None = None

    @property
    def size(self) -> int:
        return self._transport.get_write_buffer_size() + self._waiting

    def begins(self) -> None:
        """The client takes less than it is sent."""
        self._look_later()
        self._count()

    def ends(self) -> None:
        if self._watch:
            self._watch.cancel()
            self._watch = None
        self._account.count(self, self._waiting)

    @contextmanager
    def waiting(self, size: int) -> Iterator[None]:
        """Counts what cannot even be written yet."""
        self._waiting += size
        self._count()
        try:
            yield
        finally:
            self._waiting -= size
            self._count()

    def cut(self) -> None:
        """Soon: the transport may be in the middle of a write."""
        self._loop.call_soon(self._transport.abort)

    def _count(self) -> None:
        self._account.count(self, self.size if self._watch else self._waiting)

    def _look_later(self) -> None:
        self._before = self._transport.get_write_buffer_size()
        self._watch = self._loop.call_later(self.patience, self._look)

    def _look(self) -> None:
        if self._transport.get_write_buffer_size() < self._before:
            self._look_later()
            self._count()
        else:
            self.cut()
