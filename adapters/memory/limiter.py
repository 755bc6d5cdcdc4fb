"""Rate limits, counted in this process's memory."""

import math
from collections import OrderedDict, deque

from domain.limits import Hit, Limit
from domain.ports import Clock, Limiter

CALLERS_MOST = 100_000


class MemoryLimiter(Limiter):
    """A moving window: an attempt counts for exactly the limit's seconds. A refused one does not count.

    Whoever made an attempt last stands last, so those whose attempts are all forgotten are found at the front: a hit
    takes the same time however many callers there are. Of each limit the latest `CALLERS_MOST` callers are kept.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._attempts: dict[str, OrderedDict[str, deque[float]]] = {}

    async def hit(self, limit: Limit, key: str) -> Hit:
        now = self._clock.monotonic()
        callers = self._attempts.setdefault(limit.name, OrderedDict())
        forget(callers, now - limit.seconds)
        attempts = callers.setdefault(key, deque())
        while attempts and attempts[0] <= now - limit.seconds:
            attempts.popleft()
        allowed = len(attempts) < limit.count
        if allowed:
            attempts.append(now)
            callers.move_to_end(key)
        wait = attempts[0] + limit.seconds - now
        return Hit(
            allowed=allowed,
            limit=limit.count,
            remaining=limit.count - len(attempts),
            reset_at=math.ceil(self._clock.now().timestamp() + wait),
            retry_after=0 if allowed else max(math.ceil(wait), 1),
        )


def forget(callers: OrderedDict[str, deque[float]], until: float) -> None:
    """Forgets those whose last attempt was not after `until`, and the first of too many."""
    while callers:
        key, attempts = next(iter(callers.items()))
        if attempts[-1] > until and len(callers) <= CALLERS_MOST:
            return
        del callers[key]
