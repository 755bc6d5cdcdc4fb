"""What every store promises of jobs: nobody else does what somebody holds."""

import asyncio
from datetime import datetime, timedelta

import pytest

from domain.jobs import Job, JobKind, Lane
from domain.tables import Store
from tests.builders import NOON, a_job, an_account, an_avatar

LEASE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
SOON = NOON + SECOND
AVATAR = an_avatar(an_account())


async def add(store: Store, *jobs: Job) -> None:
    for job in jobs:
        await store.write(lambda tx, job=job: tx.jobs.add(job))  # type: ignore[misc]


async def claim(store: Store, worker: str = "a", now: datetime = NOON, lane: Lane = Lane.QUICK) -> Job | None:
    return await store.write(lambda tx: tx.jobs.claim(lane, worker, now, now + LEASE))


async def claimed_id(store: Store, worker: str = "a", now: datetime = NOON, lane: Lane = Lane.QUICK) -> str | None:
    job = await claim(store, worker, now, lane)
    return job.id if job else None


async def finish(store: Store, job: Job, worker: str = "a") -> None:
    await store.write(lambda tx: tx.jobs.finish(job.id, worker))


async def test_a_job_comes_back_with_every_field(store: Store) -> None:
    job = a_job(AVATAR, payload={"url": "https://example.com/é", "event": "done"}, lane=Lane.SLOW)
    await add(store, job)
    claimed = await claim(store, lane=Lane.SLOW)
    assert claimed
    assert (claimed.attempts, claimed.worker, claimed.leased_until) == (1, "a", NOON + LEASE)
    names = ("id", "kind", "lane", "group", "part", "payload", "created_at", "run_after")
    assert {name: getattr(claimed, name) for name in names} == {name: getattr(job, name) for name in names}


async def test_the_oldest_job_that_is_due_is_claimed(store: Store) -> None:
    others = [an_avatar(an_account()) for _ in range(3)]
    late = a_job(others[0], run_after=NOON + 2 * LEASE)
    second = a_job(others[1], created_at=NOON - timedelta(seconds=1))
    first = a_job(others[2], created_at=NOON - timedelta(seconds=2))
    await add(store, second, late, first)
    assert await claimed_id(store) == first.id
    assert await claimed_id(store, "b") == second.id
    assert await claim(store) is None
    assert await claimed_id(store, now=NOON + LEASE) == first.id, "its lease is over"


async def test_each_lane_has_jobs_of_its_own(store: Store) -> None:
    jobs = {lane: a_job(an_avatar(an_account()), lane=lane) for lane in Lane}
    await add(store, *jobs.values())
    for lane in reversed(Lane):
        assert await claimed_id(store, lane=lane) == jobs[lane].id
        assert await claim(store, lane=lane) is None


async def test_parts_of_a_group_run_beside_each_other_and_each_alone(store: Store) -> None:
    crawl = a_job(AVATAR, lane=Lane.CRAWL)
    beside, again = a_job(AVATAR), a_job(AVATAR, part=crawl.part, created_at=SOON, kind=JobKind.ERASE)
    await add(store, crawl, beside, again)
    assert await claimed_id(store, "a", lane=Lane.CRAWL) == crawl.id
    assert await claimed_id(store, "b") == beside.id
    assert await claim(store, "c") is None
    await finish(store, crawl, "a")
    assert await claimed_id(store, "c") == again.id


@pytest.mark.parametrize("first_is_whole", [True, False])
async def test_a_whole_group_runs_alone(store: Store, first_is_whole: bool) -> None:
    whole = a_job(AVATAR, part=None, kind=JobKind.EMBED, lane=Lane.SLOW)
    part, other = a_job(AVATAR), a_job(an_avatar(an_account()), lane=Lane.SLOW, created_at=SOON)
    await add(store, whole, part, other)
    first, second = (whole, part) if first_is_whole else (part, whole)
    assert await claimed_id(store, "a", lane=first.lane) == first.id
    assert await claimed_id(store, "b", lane=second.lane) in (None, other.id)
    await finish(store, first, "a")
    assert await claimed_id(store, "c", lane=second.lane) == second.id


async def test_the_same_job_waits_once(store: Store) -> None:
    part = a_job(AVATAR)
    whole = a_job(AVATAR, part=None, kind=JobKind.EMBED, created_at=NOON + LEASE)
    await add(store, part, a_job(AVATAR, part=part.part), whole, a_job(AVATAR, part=None, kind=JobKind.EMBED))
    for expected in (part, whole):
        assert await claimed_id(store, now=NOON + LEASE) == expected.id
        await finish(store, expected)
    assert await store.read(lambda tx: tx.jobs.is_empty())


async def test_another_payload_makes_another_job(store: Store) -> None:
    one, other = ({"event": event, "to": "her"} for event in ("begun", "done"))
    first = a_job(AVATAR, payload=one)
    second = a_job(AVATAR, part=first.part, payload=other, created_at=SOON)
    await add(store, first, second, a_job(AVATAR, part=first.part, payload=dict(reversed(one.items()))))
    for expected in (first, second):
        assert await claimed_id(store) == expected.id
        await finish(store, expected)
    assert await store.read(lambda tx: tx.jobs.is_empty())


async def test_the_same_job_moves_to_the_lane_where_it_is_asked_for_last(store: Store) -> None:
    job = a_job(AVATAR)
    await add(store, job, a_job(AVATAR, part=job.part, lane=Lane.SLOW))
    assert await claim(store) is None
    assert await claimed_id(store, lane=Lane.SLOW) == job.id


async def test_a_job_that_runs_may_be_asked_for_again(store: Store) -> None:
    job = a_job(AVATAR)
    await add(store, job)
    await claim(store)
    again = a_job(AVATAR, part=job.part)
    await add(store, again)
    await finish(store, job)
    assert await claimed_id(store) == again.id


async def test_a_lease_is_renewed_only_by_who_holds_it(store: Store) -> None:
    job = a_job(AVATAR)
    await add(store, job)
    await claim(store)
    assert not await store.write(lambda tx: tx.jobs.renew(job.id, "b", NOON + 2 * LEASE))
    assert await store.write(lambda tx: tx.jobs.renew(job.id, "a", NOON + 2 * LEASE))
    assert await claim(store, "b", NOON + LEASE) is None
    claimed = await claim(store, "b", NOON + 2 * LEASE)
    assert claimed
    assert claimed.attempts == 2
    assert not await store.write(lambda tx: tx.jobs.renew(job.id, "a", NOON + 4 * LEASE))
    await finish(store, job)
    assert not await store.read(lambda tx: tx.jobs.is_empty()), "it is no longer a's to finish"


async def test_a_job_that_is_given_back_waits(store: Store) -> None:
    job = a_job(AVATAR)
    await add(store, job)
    await claim(store)
    await store.write(lambda tx: tx.jobs.retry(job.id, "a", NOON + LEASE))
    assert await claim(store) is None
    claimed = await claim(store, now=NOON + LEASE)
    assert claimed
    assert claimed.attempts == 2


async def test_no_two_workers_get_the_same_job_or_group(store: Store) -> None:
    """Each group has one job of the whole and one of a part, in two lanes."""
    avatars = [an_avatar(an_account()) for _ in range(6)]
    await add(store, *[a_job(avatar) for avatar in avatars])
    await add(store, *[a_job(avatar, part=None, lane=Lane.SLOW) for avatar in avatars])
    lanes = [Lane.QUICK, Lane.SLOW] * 10
    claimed = await asyncio.gather(*[claim(store, f"worker {number}", lane=lane) for number, lane in enumerate(lanes)])
    held = [job.group for job in claimed if job]
    assert sorted(held) == sorted(avatar.id for avatar in avatars)


@pytest.mark.parametrize(("ahead", "is_held"), [(LEASE, True), (2 * LEASE, True), (2 * LEASE + SECOND, False)])
async def test_a_lease_of_a_clock_that_was_wrong_holds_nothing(store: Store, ahead: timedelta, is_held: bool) -> None:
    """A clock that is only a little ahead, as those of two servers may be, is believed."""
    job, whole = a_job(AVATAR), a_job(AVATAR, part=None, lane=Lane.SLOW)
    await add(store, job, whole)
    await claim(store, "wrong")
    await store.write(lambda tx: tx.jobs.renew(job.id, "wrong", NOON + ahead))
    assert await claimed_id(store, "b", lane=Lane.SLOW) == (None if is_held else whole.id)
    if not is_held:
        await finish(store, whole, "b")
    assert await claimed_id(store, "b") == (None if is_held else job.id)
    assert await store.write(lambda tx: tx.jobs.renew(job.id, "wrong", NOON + LEASE)) == is_held
