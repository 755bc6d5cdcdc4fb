"""The reply logs of a single process."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from domain.ports import Clock, ReplyLog
from domain.reply.events import ReplyDone, ReplyEvent, ReplyFailed, coalesced

KEPT_SECONDS = 10.0


@dataclass(slots=True)
class Log:
    """`events[n]` has the seq n + 1. A reply is bounded, and so is its log."""

    left_at: float
    events: list[ReplyEvent] = field(default_factory=list)
    followers: int = 0
    closed_at: float | None = None
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def wake(self) -> None:
        for waiter in self.waiting:
            if not waiter.done():
                waiter.set_result(None)
        self.waiting.clear()


class MemoryReplies(ReplyLog):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._logs: dict[str, Log] = {}

    async def open(self, reply_id: str) -> None:
        self._logs[reply_id] = Log(left_at=self._clock.monotonic())

    async def append(self, event: ReplyEvent) -> None:
        log = self._logs[event.reply_id]
        log.events.append(event)
        if isinstance(event, ReplyDone | ReplyFailed):
            log.closed_at = self._clock.monotonic()
        log.wake()

    async def has(self, reply_id: str) -> bool:
        return reply_id in self._logs

    async def follow(self, reply_id: str, after_seq: int) -> AsyncGenerator[ReplyEvent]:
        log = self._logs[reply_id]
        log.followers += 1
        position = after_seq
        try:
            while True:
                if position < len(log.events):
                    waiting, position = log.events[position:], len(log.events)
                    for event in coalesced(waiting):
                        yield event
                elif log.closed_at is not None:
                    return
                else:
                    waiter = asyncio.get_running_loop().create_future()
                    log.waiting.append(waiter)
                    await waiter
        finally:
            log.followers -= 1
            log.left_at = self._clock.monotonic()

    def unheard_for(self, reply_id: str) -> float:
        log = self._logs.get(reply_id)
        if log is None or log.followers or log.closed_at is not None:
            return 0.0
        return self._clock.monotonic() - log.left_at

    async def discard_old(self) -> None:
        oldest = self._clock.monotonic() - KEPT_SECONDS
        for reply_id, log in list(self._logs.items()):
            if log.closed_at is not None and log.closed_at < oldest:
                del self._logs[reply_id]
