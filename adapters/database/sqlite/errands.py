"""Work for a thread that holds a connection to SQLite."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeVar, cast

from domain.tables import Tx

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Errand:
    """A piece of work and its outcome, which the thread fills in before `settled` is set."""

    work: Callable[[Tx], object]
    settled: asyncio.Future[None]
    value: object = None
    error: BaseException | None = None

    def settle(self) -> None:
        if not self.settled.done():  # its caller may have been cancelled meanwhile
            self.settled.set_result(None)


Errands = SimpleQueue[Errand | None]
"""What waits for a thread. None asks it to end."""


async def done(queue: Errands, work: Callable[[Tx], T]) -> T:
    """Work that was asked for is done, even when its caller is cancelled while waiting."""
    errand = Errand(work, asyncio.get_running_loop().create_future())
    queue.put(errand)
    await errand.settled
    if errand.error is not None:
        raise errand.error
    return cast(T, errand.value)


def settle(errands: Iterable[Errand]) -> None:
    for errand in errands:
        errand.settle()
