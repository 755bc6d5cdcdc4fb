"""What only the limiter in memory promises: it stays small and quick."""

import pytest

from adapters.memory import limiter as module
from adapters.memory.limiter import MemoryLimiter
from domain.limits import Limit
from tests.fakes.clock import FakeClock

LIMIT = Limit("three", "attempts", 3, 60)


def callers(limiter: MemoryLimiter) -> list[str]:
    return list(limiter._attempts[LIMIT.name])


async def test_callers_are_forgotten_with_their_last_attempt() -> None:
    clock = FakeClock()
    limiter = MemoryLimiter(clock)
    for key in ("one", "two", "three"):
        await limiter.hit(LIMIT, key)
        clock.advance(20)
    await limiter.hit(LIMIT, "two")
    clock.advance(40)
    await limiter.hit(LIMIT, "four")
    assert callers(limiter) == ["two", "four"]


async def test_a_crowd_is_kept_to_its_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALLERS_MOST", 3)
    limiter = MemoryLimiter(FakeClock())
    for number in range(10):
        await limiter.hit(LIMIT, str(number))
    assert len(callers(limiter)) <= 4
    assert callers(limiter)[-1] == "9"
