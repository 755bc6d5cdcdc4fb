"""What every limiter promises."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from limits.aio.storage import memory

from adapters.memory.limiter import LimitsLimiter
from domain.limits import Limit
from domain.ports import Limiter
from tests.fakes.clock import FakeClock
from tests.fakes.limiter import FakeLimiter

THREE = Limit("three", "attempts", 3, 60)
FIVE = Limit("five", "attempts", 5, 60)


@pytest.fixture
def clock() -> FakeClock:
    clock = FakeClock()
    clock.advance(0.5)
    return clock


@pytest.fixture(params=["fake", "limits"])
def limiter(request: pytest.FixtureRequest, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Limiter:
    if request.param == "fake":
        return FakeLimiter(clock)
    monkeypatch.setattr(memory, "time", SimpleNamespace(time=lambda: clock.now().timestamp()))
    return LimitsLimiter(clock)


async def test_as_many_as_the_limit_says_are_allowed(limiter: Limiter) -> None:
    hits = [await limiter.hit(THREE, "ip") for _ in range(5)]
    assert [hit.allowed for hit in hits] == [True, True, True, False, False]
    assert [hit.remaining for hit in hits] == [2, 1, 0, 0, 0]
    assert {hit.limit for hit in hits} == {3}


async def test_callers_and_limits_are_counted_apart(limiter: Limiter) -> None:
    for _ in range(3):
        await limiter.hit(THREE, "ip")
    assert (await limiter.hit(THREE, "other ip")).allowed
    assert (await limiter.hit(FIVE, "ip")).remaining == 4


async def test_the_window_moves(limiter: Limiter, clock: FakeClock) -> None:
    for _ in range(3):
        await limiter.hit(THREE, "ip")
        clock.advance(20.25)
    allowed = [(await limiter.hit(THREE, "ip")).allowed, (await limiter.hit(THREE, "ip")).allowed]
    assert allowed == [True, False]


async def test_a_refused_attempt_costs_nothing(limiter: Limiter, clock: FakeClock) -> None:
    for _ in range(3):
        await limiter.hit(THREE, "ip")
    clock.advance(59)
    assert not (await limiter.hit(THREE, "ip")).allowed
    clock.advance(2)
    assert (await limiter.hit(THREE, "ip")).remaining == 2


async def test_whoever_waits_as_told_is_allowed(limiter: Limiter, clock: FakeClock) -> None:
    for _ in range(3):
        await limiter.hit(THREE, "ip")
    clock.advance(20.25)
    refused = await limiter.hit(THREE, "ip")
    assert refused.retry_after == 40
    clock.advance(refused.retry_after)
    assert (await limiter.hit(THREE, "ip")).allowed


async def test_a_refused_caller_waits_a_second_at_least(limiter: Limiter, clock: FakeClock) -> None:
    for _ in range(3):
        await limiter.hit(THREE, "ip")
    clock.advance(59.875)
    assert (await limiter.hit(THREE, "ip")).retry_after == 1


async def test_an_allowed_caller_need_not_wait(limiter: Limiter) -> None:
    assert (await limiter.hit(THREE, "ip")).retry_after == 0


async def test_the_reset_is_when_the_oldest_attempt_is_forgotten(limiter: Limiter, clock: FakeClock) -> None:
    first = clock.now().timestamp()
    resets = set()
    for _ in range(5):
        resets.add((await limiter.hit(THREE, "ip")).reset_at)
        clock.advance(1)
    assert resets == {int(first + 0.5) + 60}


async def test_a_clock_that_was_put_back_locks_nobody_out(limiter: Limiter, clock: FakeClock) -> None:
    for _ in range(3):
        await limiter.hit(THREE, "ip")
    clock.set(clock.now() - timedelta(hours=3))
    assert [(await limiter.hit(THREE, "ip")).allowed for _ in range(4)] == [True, True, True, False]
    assert (await limiter.hit(THREE, "ip")).retry_after == 60
