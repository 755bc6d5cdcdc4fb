"""The indexer: does the jobs of knowledge, one lease at a time, so that a crash loses none of them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from domain.errors import Unavailable
from domain.jobs import Job, JobKind
from domain.knowledge.items import KnowledgeProgress, KnowledgeStatus
from domain.knowledge.reading import FailureCode, Unreadable
from domain.tables import Tx
from resolvers.indexing.building import Gone, IndexingPorts, build, embed_avatar

log = logging.getLogger("avatarium.indexing")

WORKERS = 2
LEASE = timedelta(seconds=60)
RENEW_EVERY = 20.0
LOOK_EVERY = 5.0
ATTEMPTS = 5
FIRST_PAUSE = timedelta(seconds=10)
PASSING = frozenset({FailureCode.UNREACHABLE, FailureCode.TOO_SLOW})


class Indexer:
    """A few workers, each doing one job at a time: a slow site does not hold up every other item."""

    def __init__(self, ports: IndexingPorts) -> None:
        self._ports = ports
        self._model: str | None = None
        self._looked_for_vectors = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """To be called when a job was added."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A job that is stopped here goes on at the next start, or at another server."""
        working = [asyncio.create_task(self._work(str(uuid4()))) for _ in range(WORKERS)]
        try:
            yield
        finally:
            for each in working:
                each.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    async def _work(self, worker: str) -> None:
        """`worker` is a name of its own, so that nobody takes another's lease of the same job for theirs."""
        while True:
            self._woken.clear()
            try:
                await self._take_up_model()
                while job := await self._claim(worker):
                    await self._do(job, worker)
            except Exception as error:
                log.error("the jobs could not be looked at: %s", type(error).__name__)
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _claim(self, worker: str) -> Job | None:
        now = self._ports.clock.now()
        return await self._ports.store.write(lambda tx: tx.jobs.claim(worker, now, now + LEASE))

    async def _do(self, job: Job, worker: str) -> None:
        working, keeping = asyncio.create_task(self._run(job)), asyncio.create_task(self._keep(job, worker))
        try:
            await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await self._ended(job, worker, working.exception())
        finally:
            working.cancel()
            keeping.cancel()
            await asyncio.gather(working, keeping, return_exceptions=True)

    async def _ended(self, job: Job, worker: str, error: BaseException | None) -> None:
        if error is None or isinstance(error, Gone):
            await self._ports.store.write(lambda tx: tx.jobs.finish(job.id, worker))
        else:
            await self._failed(job, worker, error)

    async def _run(self, job: Job) -> None:
        match job.kind:
            case JobKind.INDEX:
                await build(self._ports, job.avatar_id, job.item_id or "")
            case JobKind.EMBED:
                await embed_avatar(self._ports, job.avatar_id)
            case JobKind.ERASE:
                await self._erase(job)

    async def _erase(self, job: Job) -> None:
        if job.item_id is None:
            await self._ports.vectors.remove_avatar(job.avatar_id)
        else:
            await self._ports.vectors.keep_only(job.avatar_id, job.item_id, [])
        await self._ports.store.erased()

    async def _failed(self, job: Job, worker: str, error: BaseException) -> None:
        """Tries again later what may pass; tells the owner of the rest."""
        code = error.code if isinstance(error, Unreadable) else FailureCode.INTERNAL
        if not isinstance(error, Unreadable | Unavailable):
            log.error("job %s of kind %s failed: %s", job.id, job.kind, type(error).__name__)
        passing = code in PASSING or not isinstance(error, Unreadable)
        again = passing and (job.attempts < ATTEMPTS or job.kind is not JobKind.INDEX)
        now = self._ports.clock.now()
        pause = FIRST_PAUSE * 2 ** min(job.attempts - 1, 6)
        status = KnowledgeStatus.QUEUED if again else KnowledgeStatus.FAILED

        def settle(tx: Tx) -> KnowledgeProgress | None:
            if not tx.jobs.renew(job.id, worker, now + LEASE):
                return None
            if again:
                tx.jobs.retry(job.id, worker, now + pause)
            else:
                tx.jobs.finish(job.id, worker)
            item = tx.knowledge.by_id(job.avatar_id, job.item_id) if job.item_id else None
            if item is None or job.kind is not JobKind.INDEX:
                return None
            if not again:
                tx.passages.keep_only(item.id, item.generation)
            failed = replace(item, status=status, failure=code, updated_at=now, done=0, total=0)
            tx.knowledge.update(failed)
            return KnowledgeProgress(failed)

        if news := await self._ports.store.write(settle):
            self._ports.news.publish(news)

    async def _keep(self, job: Job, worker: str) -> None:
        """Renews the lease; returns when another worker has got it."""
        held = True
        while held:
            await asyncio.sleep(RENEW_EVERY)
            held = await self._ports.store.write(
                lambda tx: tx.jobs.renew(job.id, worker, self._ports.clock.now() + LEASE)
            )

    async def _take_up_model(self) -> None:
        """Asks for vectors of a model that has become the current one, for every avatar that has none of it."""
        await self._forget_lost_vectors()
        current, now = self._ports.embedders.current(), self._ports.clock.now()
        model = current.model if current else None
        if model == self._model:
            return

        def add(tx: Tx) -> None:
            for avatar_id in tx.knowledge.without_model(model) if model else ():
                tx.jobs.add(Job(str(uuid4()), JobKind.EMBED, avatar_id, None, now, now))

        await self._ports.store.write(add)
        self._model = model

    async def _forget_lost_vectors(self) -> None:
        """A database that was restored may tell of vectors that are not there: then they are made anew."""
        if self._looked_for_vectors:
            return
        try:
            lost = await self._ports.vectors.is_empty()
        except Unavailable:
            return
        if lost:
            await self._ports.store.write(lambda tx: tx.knowledge.forget_models())
            self._model = None
        self._looked_for_vectors = True
