"""Limits counted on a test's own clock, by the rules of the real limiter."""

import math
from collections import defaultdict

from domain.limits import Hit, Limit
from domain.ports import Clock, Limiter


class FakeLimiter(Limiter):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._attempts: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    async def hit(self, limit: Limit, key: str) -> Hit:
        now = self._clock.now().timestamp()
        attempts = self._attempts[limit.name, key]
        attempts[:] = [at for at in attempts if now - limit.seconds < at <= now]
        allowed = len(attempts) < limit.count
        if allowed:
            attempts.append(now)
        reset = attempts[0] + limit.seconds
        return Hit(
            allowed=allowed,
            limit=limit.count,
            remaining=limit.count - len(attempts),
            reset_at=math.ceil(reset),
            retry_after=0 if allowed else max(math.ceil(reset - now), 1),
        )
