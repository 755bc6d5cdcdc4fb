"""What every store promises of jobs: nobody else does what somebody holds."""

import asyncio
from datetime import datetime, timedelta

from domain.jobs import Job, JobKind
from domain.tables import Store
from tests.builders import NOON, a_job, an_account, an_avatar

LEASE = timedelta(minutes=1)
AVATAR = an_avatar(an_account())


async def add(store: Store, *jobs: Job) -> None:
    for job in jobs:
        await store.write(lambda tx, job=job: tx.jobs.add(job))  # type: ignore[misc]


async def claim(store: Store, worker: str = "a", now: datetime = NOON) -> Job | None:
    return await store.write(lambda tx: tx.jobs.claim(worker, now, now + LEASE))


async def test_the_oldest_job_that_is_due_is_claimed(store: Store) -> None:
    others = [an_avatar(an_account()) for _ in range(3)]
    late = a_job(others[0], run_after=NOON + 2 * LEASE)
    second = a_job(others[1], created_at=NOON - timedelta(seconds=1))
    first = a_job(others[2], created_at=NOON - timedelta(seconds=2))
    await add(store, second, late, first)
    claimed = await claim(store)
    assert claimed
    assert (claimed.id, claimed.attempts, claimed.worker) == (first.id, 1, "a")
    claimed = await claim(store, "b")
    assert claimed
    assert claimed.id == second.id
    assert await claim(store) is None
    claimed = await claim(store, now=NOON + LEASE)
    assert claimed
    assert claimed.id in (first.id, second.id), "their leases are over"


async def test_an_avatar_s_jobs_run_one_after_the_other(store: Store) -> None:
    first, second = a_job(AVATAR), a_job(AVATAR, created_at=NOON + timedelta(seconds=1))
    await add(store, first, second)
    assert await claim(store, "a")
    assert await claim(store, "b") is None
    await store.write(lambda tx: tx.jobs.finish(first.id, "a"))
    claimed = await claim(store, "b")
    assert claimed
    assert claimed.id == second.id


async def test_the_same_job_waits_once(store: Store) -> None:
    job = a_job(AVATAR)
    whole = a_job(AVATAR, item_id=None, kind=JobKind.EMBED, created_at=NOON + LEASE)
    await add(store, job, a_job(AVATAR, item_id=job.item_id), whole, a_job(AVATAR, item_id=None, kind=JobKind.EMBED))
    for expected in (job, whole):
        claimed = await claim(store)
        assert claimed
        assert claimed.kind == expected.kind
        await store.write(lambda tx, done=claimed: tx.jobs.finish(done.id, "a"))  # type: ignore[misc]
    assert await store.read(lambda tx: tx.jobs.is_empty())


async def test_a_job_that_runs_may_be_asked_for_again(store: Store) -> None:
    job = a_job(AVATAR)
    await add(store, job)
    await claim(store)
    again = a_job(AVATAR, item_id=job.item_id)
    await add(store, again)
    await store.write(lambda tx: tx.jobs.finish(job.id, "a"))
    claimed = await claim(store)
    assert claimed
    assert claimed.id == again.id


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
    await store.write(lambda tx: tx.jobs.finish(job.id, "a"))
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


async def test_no_two_workers_get_the_same_job_or_avatar(store: Store) -> None:
    avatars = [an_avatar(an_account()) for _ in range(6)]
    await add(store, *[a_job(avatar) for avatar in avatars for _ in range(3)])
    claimed = await asyncio.gather(*[claim(store, f"worker {index}") for index in range(20)])
    held = [job.avatar_id for job in claimed if job]
    assert sorted(held) == sorted(avatar.id for avatar in avatars)
