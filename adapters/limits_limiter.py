"""Rate limits, counted by the `limits` library in this process's memory."""

import math

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from domain.limits import Hit, Limit
from domain.ports import Clock, Limiter


class LimitsLimiter(Limiter):
    """A moving window: an attempt counts for exactly the limit's seconds. A refused one does not count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def hit(self, limit: Limit, key: str) -> Hit:
        item = RateLimitItemPerSecond(limit.count, limit.seconds, namespace=limit.name)
        allowed = await self._limiter.hit(item, key)
        reset_time, remaining = await self._limiter.get_window_stats(item, key)
        wait = math.ceil(reset_time - self._clock.now().timestamp())
        return Hit(
            allowed=allowed,
            limit=limit.count,
            remaining=max(remaining, 0),
            reset_at=math.ceil(reset_time),
            retry_after=0 if allowed else max(wait, 1),
        )
