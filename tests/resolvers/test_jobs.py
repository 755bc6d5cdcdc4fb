"""The workers, with handlers of a test's own: who waits for whom, and what becomes of a job that fails."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Unavailable
from domain.jobs import Job, JobKind, Lane
from domain.ports import Handler
from domain.tables import Tx
from resolvers import jobs
from resolvers.jobs import FIRST_PAUSE, LEASE, Workers
from tests.builders import a_job, an_account, an_avatar
from tests.fakes.clock import START, FakeClock
from tests.resolvers.indexed import no_jobs
from tests.resolvers.troubled_store import TroubledStore

ANN, BOB = an_avatar(an_account()), an_avatar(an_account())
OTHER_KIND = JobKind.EMBED


class Scripted(Handler):
    """Each job waits until its part may end; `None` is the part of a whole group. Then it fails, if it is to."""

    foreseen = (Unavailable,)

    def __init__(self, attempts: int = 5, error: Exception | None = None) -> None:
        self.attempts, self.error = attempts, error
        self.running: list[str | None] = []
        self.ended: list[str | None] = []
        self.cancelled: list[str | None] = []
        self.told: list[str] = []
        self._gates: dict[str | None, asyncio.Event] = {}

    def may_end(self, *parts: str | None) -> None:
        for part in parts:
            self._gate(part).set()

    async def run(self, job: Job) -> None:
        self.running.append(job.part)
        try:
            await self._gate(job.part).wait()
        except asyncio.CancelledError:
            self.cancelled.append(job.part)
            raise
        finally:
            self.running.remove(job.part)
        self.ended.append(job.part)
        if self.error:
            raise self.error

    def failed(self, tx: Tx, job: Job, error: Exception) -> bool:
        """Leaves an account behind, which only a commit makes."""
        tx.accounts.add(an_account(subject=f"{job.part} {job.attempts}"))
        return job.attempts < self.attempts

    async def tell(self, job: Job) -> None:
        self.told.append(job.id)

    def _gate(self, part: str | None) -> asyncio.Event:
        return self._gates.setdefault(part, asyncio.Event())


@pytest.fixture
def handler() -> Scripted:
    return Scripted()


@pytest.fixture
def workers(clock: FakeClock, store: TroubledStore, handler: Scripted) -> Workers:
    return Workers(clock, store, {JobKind.INDEX: handler, OTHER_KIND: handler})


@pytest.fixture(autouse=True)
def _woken_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker looks by itself: whatever begins was woken for."""
    monkeypatch.setattr(jobs, "LOOK_EVERY", 3600)


async def add(store: TroubledStore, *added: Job) -> None:
    for job in added:
        await store.write(lambda tx, job=job: tx.jobs.add(job))  # type: ignore[misc]


async def until(is_so: Callable[[], Any]) -> None:
    while not is_so():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def at(seconds: int, **changes: Any) -> Job:
    """A job of a part of its own; the later it was added, the later it is done."""
    return a_job(ANN, created_at=START + timedelta(seconds=seconds), run_after=START, **changes)


async def test_no_lane_holds_up_another(store: TroubledStore, handler: Scripted, workers: Workers) -> None:
    crawls = [at(number, part=f"crawl {number}", lane=Lane.CRAWL) for number in range(3)]
    quick = [at(number, part=f"quick {number}", lane=Lane.QUICK) for number in range(3)]
    await add(store, *crawls, *quick)
    handler.may_end("quick 0", "quick 1", "quick 2", "crawl 2")
    async with workers.running():
        await until(lambda: len(handler.ended) == 3)
        assert handler.ended == ["quick 0", "quick 1", "quick 2"]
        assert sorted(map(str, handler.running)) == ["crawl 0", "crawl 1"], "as many at once as the lane has workers"
        handler.may_end("crawl 0", "crawl 1")
        await no_jobs(store)


async def test_a_whole_group_waits_for_its_parts_and_begins_when_they_end(
    store: TroubledStore, handler: Scripted, workers: Workers
) -> None:
    crawl = at(0, part="crawl", lane=Lane.CRAWL)
    whole = at(1, part=None, lane=Lane.SLOW, kind=OTHER_KIND)
    other = a_job(BOB, part="other", lane=Lane.SLOW, run_after=START, created_at=START + timedelta(seconds=2))
    await add(store, crawl)
    handler.may_end("other")
    async with workers.running():
        await until(lambda: handler.running)
        await add(store, whole, other)
        workers.wake()
        await until(lambda: handler.ended == ["other"])
        assert handler.running == ["crawl"]
        handler.may_end("crawl")
        await until(lambda: handler.running == [None])
        handler.may_end(None)
        await no_jobs(store)


async def test_a_lane_without_jobs_is_looked_at_once(store: TroubledStore, handler: Scripted, clock: FakeClock) -> None:
    """However many workers it has."""
    looks = 0

    class Counted(TroubledStore):
        async def write(self, work: Callable[[Tx], Any]) -> Any:
            nonlocal looks
            looks += 1
            return await super().write(work)

    async with Workers(clock, Counted(store), {}, {Lane.SLOW: 20}).running() as workers:
        for expected in (1, 2, 3):
            await until(lambda expected=expected: looks >= expected)  # type: ignore[misc]
            assert looks == expected
            workers.wake()


async def test_what_fails_is_tried_again_after_ever_longer_pauses(
    store: TroubledStore, handler: Scripted, workers: Workers, clock: FakeClock
) -> None:
    handler.error = Unavailable("not today")
    handler.may_end("part")
    job = at(0, part="part")
    await add(store, job)
    pause = FIRST_PAUSE.total_seconds()
    async with workers.running():
        for attempt in range(1, handler.attempts + 1):
            await until(lambda attempt=attempt: len(handler.told) == attempt)  # type: ignore[misc]
            assert await store.read(lambda tx, attempt=attempt: tx.accounts.by_subject(f"part {attempt}"))  # type: ignore[misc]
            clock.advance(pause - 1)
            assert await store.write(lambda tx: tx.jobs.claim(Lane.QUICK, "early", clock.now(), clock.now())) is None
            clock.advance(1)
            pause *= 2
            workers.wake()
        await no_jobs(store)
    assert handler.ended == ["part"] * handler.attempts


@pytest.mark.parametrize("attempts", [1, 5], ids=["for good", "for now"])
async def test_a_failure_is_stored_with_the_end_of_the_job_or_not_at_all(
    store: TroubledStore, workers: Workers, handler: Scripted, caplog: pytest.LogCaptureFixture, attempts: int
) -> None:
    handler.attempts, handler.error = attempts, Unavailable("secret words")
    job = at(0, part="part")
    await add(store, job)
    async with workers.running():
        await until(lambda: handler.running)
        store.broken = True
        handler.may_end("part")
        await until(lambda: "left to be done again" in caplog.text)
        store.broken = False
    assert handler.told == []
    assert await store.read(lambda tx: tx.accounts.by_subject("part 1")) is None
    assert not await store.read(lambda tx: tx.jobs.is_empty())
    assert job.id in caplog.text
    assert "secret" not in caplog.text


async def test_only_surprises_are_logged_and_by_their_kind_alone(
    store: TroubledStore, workers: Workers, handler: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    handler.may_end("one", "two")
    with caplog.at_level(logging.INFO):
        async with workers.running():
            handler.error = Unavailable("secret words")
            first, second = at(0, part="one", payload={"for": "secret words"}), at(0, part="two")
            await add(store, first)
            workers.wake()
            await until(lambda: len(handler.told) == 1)
            assert not caplog.records
            handler.error = RuntimeError("secret words")
            await add(store, second)
            workers.wake()
            await until(lambda: len(handler.told) == 2)
    assert [record.getMessage() for record in caplog.records] == [f"job {second.id} of kind index failed: RuntimeError"]


async def test_a_lease_is_renewed_for_as_long_as_the_work_takes(
    store: TroubledStore, workers: Workers, handler: Scripted, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RENEW_EVERY", 0.001)
    await add(store, at(0, part="part"))
    async with workers.running():
        await until(lambda: handler.running)
        for _ in range(3):
            clock.advance(LEASE.total_seconds() - 1)
            store.committed.clear()
            await store.committed.wait()
            await store.committed.wait()
        assert await store.write(lambda tx: tx.jobs.claim(Lane.QUICK, "b", clock.now(), clock.now() + LEASE)) is None
        handler.may_end("part")
        await no_jobs(store)


async def test_work_goes_on_while_the_database_is_away_for_a_moment(
    store: TroubledStore, workers: Workers, handler: Scripted, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(jobs, "RENEW_EVERY", 0.001)
    await add(store, at(0, part="part"))
    async with workers.running():
        await until(lambda: handler.running)
        store.broken = True
        await until(lambda: caplog.text.count("could not be renewed: Unavailable") >= 3)
        assert handler.running == ["part"]
        store.broken = False
        handler.may_end("part")
        await no_jobs(store)
    assert (handler.ended, handler.cancelled) == (["part"], [])


async def test_work_ends_when_its_lease_is_over_and_was_not_renewed(
    store: TroubledStore,
    workers: Workers,
    handler: Scripted,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: Any,
) -> None:
    """Another worker, whom the database answers, may have begun it."""
    monkeypatch.setattr(jobs, "RENEW_EVERY", 0.001)
    await add(store, at(0, part="part"))
    async with workers.running():
        await until(lambda: handler.running)
        store.broken = True
        await until(lambda: "could not be renewed" in caplog.text)
        clock.advance(LEASE.total_seconds())
        await until(lambda: handler.cancelled == ["part"])


async def test_work_ends_when_its_lease_is_lost(
    store: TroubledStore, workers: Workers, handler: Scripted, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(store, at(0, part="part"))
    monkeypatch.setattr(jobs, "RENEW_EVERY", 0.05)
    async with workers.running():
        await until(lambda: handler.running)
        clock.advance(LEASE.total_seconds())
        now = clock.now()
        taken = await store.write(lambda tx: tx.jobs.claim(Lane.QUICK, "another", now, now + LEASE))
        assert taken
        await until(lambda: handler.cancelled == ["part"])
    assert (handler.ended, handler.told) == ([], [])
    assert await store.write(lambda tx: tx.jobs.renew(taken.id, "another", now + LEASE))


async def test_a_job_that_is_stopped_can_be_taken_up_by_another(
    store: TroubledStore, workers: Workers, handler: Scripted, clock: FakeClock
) -> None:
    await add(store, at(0, part="part"))
    async with workers.running():
        await until(lambda: handler.running)
    assert handler.cancelled == ["part"]
    clock.advance(LEASE.total_seconds())
    handler.may_end("part")
    async with workers.running():
        await no_jobs(store)
    assert handler.ended == ["part"]


async def test_workers_go_on_after_the_database_was_away(
    store: TroubledStore, workers: Workers, handler: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LOOK_EVERY", 0.01)
    handler.may_end("part")
    await add(store, at(0, part="part"))
    store.broken = True
    async with workers.running():
        await asyncio.sleep(0)
        store.broken = False
        await no_jobs(store)
    assert handler.ended == ["part"]
