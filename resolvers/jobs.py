"""Workers: do jobs of every kind, one lease at a time, so that a crash loses none of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from domain.jobs import Job, JobKind, Lane
from domain.ports import Clock, Handler
from domain.tables import Store, Tx

log = logging.getLogger("avatarium.jobs")

# What is quick comes one at a time, in seconds. One large file or slow site does not hold up every other.
LANES: Mapping[Lane, int] = {Lane.QUICK: 1, Lane.SLOW: 2, Lane.CRAWL: 2}
LEASE = timedelta(seconds=60)
RENEW_EVERY = 20.0
LOOK_EVERY = 5.0
FIRST_PAUSE = timedelta(seconds=10)
DOUBLINGS = 6


class Workers:
    """So many for each lane, each doing one job at a time."""

    def __init__(
        self, clock: Clock, store: Store, handlers: Mapping[JobKind, Handler], lanes: Mapping[Lane, int] = LANES
    ) -> None:
        self._clock, self._store, self._handlers, self._lanes = clock, store, handlers, lanes
        self._woken = {lane: asyncio.Event() for lane in lanes}

    def wake(self) -> None:
        """To be called when a job was added, or when one ended that another may have waited for."""
        for woken in self._woken.values():
            woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Workers"]:
        """A job that is stopped here goes on at the next start, or at another server."""
        serving = [asyncio.create_task(self._serve(lane, workers)) for lane, workers in self._lanes.items()]
        try:
            yield self
        finally:
            for each in serving:
                each.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, lane: Lane, workers: int) -> None:
        """Whoever does a job has a name of their own, so that nobody takes another's lease of it for theirs."""
        free = asyncio.Semaphore(workers)
        async with asyncio.TaskGroup() as working:
            while True:
                await free.acquire()
                worker = str(uuid4())
                job = await self._next(lane, worker)
                working.create_task(self._do(job, worker)).add_done_callback(lambda _: free.release())

    async def _next(self, lane: Lane, worker: str) -> Job:
        """Waits until there is a job, and leases it."""
        woken = self._woken[lane]
        while True:
            woken.clear()
            try:
                if job := await self._claim(lane, worker):
                    return job
            except Exception as error:
                log.error("the jobs could not be looked at: %s", type(error).__name__)
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await woken.wait()
            except TimeoutError:
                continue

    async def _claim(self, lane: Lane, worker: str) -> Job | None:
        now = self._clock.now()
        return await self._store.write(lambda tx: tx.jobs.claim(lane, worker, now, now + LEASE))

    async def _do(self, job: Job, worker: str) -> None:
        try:
            await self._do_while_held(job, worker)
        except Exception as error:
            log.error("job %s of kind %s was left to be done again: %s", job.id, job.kind, type(error).__name__)
        finally:
            self.wake()

    async def _do_while_held(self, job: Job, worker: str) -> None:
        running = asyncio.create_task(self._handlers[job.kind].run(job))
        keeping = asyncio.create_task(self._keep(job, worker))
        try:
            await asyncio.wait({running, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await self._ended(job, worker, running)
        finally:
            running.cancel()
            keeping.cancel()
            await asyncio.gather(running, keeping, return_exceptions=True)

    async def _keep(self, job: Job, worker: str) -> None:
        """Renews the lease; returns when another worker has got it, or may get it.

        A database that is away for a moment ends nothing: until the lease is over nobody else may begin.
        """
        held, until = True, self._clock.monotonic() + LEASE.total_seconds()
        while held and self._clock.monotonic() < until:
            await asyncio.sleep(RENEW_EVERY)
            asked = self._clock.monotonic()
            try:
                held = await self._store.write(lambda tx: self._renewed(tx, job, worker))
                until = asked + LEASE.total_seconds()
            except Exception as error:
                log.warning("the lease of job %s could not be renewed: %s", job.id, type(error).__name__)

    def _renewed(self, tx: Tx, job: Job, worker: str) -> bool:
        return tx.jobs.renew(job.id, worker, self._clock.now() + LEASE)

    async def _ended(self, job: Job, worker: str, done: asyncio.Task[None]) -> None:
        try:
            done.result()
        except Exception as error:
            await self._failed(job, worker, error)
        else:
            await self._store.write(lambda tx: tx.jobs.finish(job.id, worker))

    async def _failed(self, job: Job, worker: str, error: Exception) -> None:
        """Whoever lost the lease meanwhile changes nothing."""
        handler = self._handlers[job.kind]
        if not isinstance(error, handler.foreseen):
            log.error("job %s of kind %s failed: %s", job.id, job.kind, type(error).__name__)
        later = self._clock.now() + FIRST_PAUSE * 2 ** min(job.attempts - 1, DOUBLINGS)

        def settle(tx: Tx) -> bool:
            if not self._renewed(tx, job, worker):
                return False
            if handler.failed(tx, job, error):
                tx.jobs.retry(job.id, worker, later)
            else:
                tx.jobs.finish(job.id, worker)
            return True

        if await self._store.write(settle):
            await handler.tell(job)
