"""Rate limits, counted by the `limits` library in this process's memory."""

import math

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from domain.limits import Hit, Limit
from domain.ports import Clock, Limiter

PUT_BACK_SECONDS = 60.0


class LimitsLimiter(Limiter):
    """A moving window: an attempt counts for exactly the limit's seconds. A refused one does not count.

    When the clock is put back by more than a minute all counts start anew: what was counted lies in its
    future, and would count for as long as it was put back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._latest = 0.0

    async def hit(self, limit: Limit, key: str) -> Hit:
        item = RateLimitItemPerSecond(limit.count, limit.seconds, namespace=limit.name)
        now = self._clock.now().timestamp()
        if now < self._latest - PUT_BACK_SECONDS:
            await self._storage.reset()
        self._latest = now
        allowed = await self._limiter.hit(item, key)
        reset_time, remaining = await self._limiter.get_window_stats(item, key)
        wait = math.ceil(reset_time - now)
        return Hit(
            allowed=allowed,
            limit=limit.count,
            remaining=max(remaining, 0),
            reset_at=math.ceil(reset_time),
            retry_after=0 if allowed else max(wait, 1),
        )
