"""Whether the database can be used."""

import asyncio
import math
from dataclasses import replace

from domain.errors import Unavailable
from domain.jobs import JobKind, Lane, new_job
from domain.ports import Clock
from domain.tables import Store, Tx

PATIENCE = 1.0
EVERY = 1.0
NOBODY = "nobody"


class Probe:
    """Whether the database reads and writes: asked when somebody wants to know, at most once a second."""

    def __init__(self, clock: Clock, store: Store) -> None:
        self._clock, self._store = clock, store
        self._asking: asyncio.Task[bool] | None = None
        self._asked_at = -math.inf

    async def succeeds(self) -> bool:
        """It has a second to answer."""
        now = self._clock.monotonic()
        if self._asking is None or (self._asking.done() and now - self._asked_at >= EVERY):
            self._asking, self._asked_at = asyncio.create_task(self._ask()), now
        asking = self._asking
        await asyncio.wait({asking}, timeout=PATIENCE)
        return asking.done() and asking.result()

    async def _ask(self) -> bool:
        try:
            await self._store.read(lambda tx: tx.accounts.by_id(NOBODY))
            await self._store.write(self._write)
        except Unavailable:
            return False
        return True

    def _write(self, tx: Tx) -> None:
        """Something that does not stay: a job that is done at once. A full disk is noticed by nothing less."""
        job = new_job(JobKind.ERASE, Lane.QUICK, NOBODY, None, self._clock.now())
        tx.jobs.add(replace(job, worker=NOBODY, leased_until=job.created_at))
        tx.jobs.finish(job.id, NOBODY)
