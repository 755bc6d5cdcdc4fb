"""What every limiter promises."""

from datetime import timedelta

import pytest

from adapters.memory.limiter import MemoryLimiter
from domain.limits import Limit
from domain.ports import Limiter
from tests.fakes.clock import FakeClock

THREE = Limit("three", "attempts", 3, 60)
FIVE = Limit("five", "attempts", 5, 60)


@pytest.fixture
def clock() -> FakeClock:
    clock = FakeClock()
    clock.advance(0.5)
    return clock


@pytest.fixture
def limiter(clock: FakeClock) -> Limiter:
    return MemoryLimiter(clock)


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


@pytest.mark.parametrize("hours", [-3, 3])
async def test_a_clock_that_is_set_changes_nothing(limiter: Limiter, clock: FakeClock, hours: int) -> None:
    for _ in range(3):
        await limiter.hit(THREE, "ip")
    clock.set(clock.now() + timedelta(hours=hours))
    refused = await limiter.hit(THREE, "ip")
    assert (refused.allowed, refused.retry_after) == (False, 60)
    clock.advance(60)
    assert (await limiter.hit(THREE, "ip")).allowed


async def test_who_was_forgotten_begins_anew(limiter: Limiter, clock: FakeClock) -> None:
    """Those who came before and stayed away are no weight on those who come."""
    for number in range(1_000):
        await limiter.hit(THREE, f"ip {number}")
    clock.advance(60)
    assert (await limiter.hit(THREE, "ip 7")).remaining == 2
    assert (await limiter.hit(THREE, "ip 999")).remaining == 2
