"""The handlers of the jobs of knowledge."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from domain.errors import Unavailable
from domain.jobs import Job, JobKind
from domain.knowledge.items import KnowledgeItem, KnowledgeProgress, KnowledgeStatus
from domain.knowledge.reading import FailureCode, Unreadable
from domain.ports import Handler
from domain.tables import Tx
from resolvers.indexing.building import Gone, IndexingPorts, build, embed_avatar
from resolvers.indexing.models import ModelWatch

ATTEMPTS = 5


@asynccontextmanager
async def open_indexing(ports: IndexingPorts) -> AsyncIterator[Mapping[JobKind, Handler]]:
    """The handlers, while avatars are watched for vectors that they need."""
    models = ModelWatch(ports.clock, ports.store, ports.embedders, ports.vectors)
    async with models.running():
        yield handlers(ports, models)


def handlers(ports: IndexingPorts, models: ModelWatch) -> Mapping[JobKind, Handler]:
    return {
        JobKind.INDEX: Index(ports, models),
        JobKind.EMBED: Embed(ports, models),
        JobKind.ERASE: Erase(ports, models),
    }


class Index(Handler):
    """Tries a few times what may pass, and tells the owner of the rest."""

    foreseen = (Unreadable, Unavailable)

    def __init__(self, ports: IndexingPorts, models: ModelWatch) -> None:
        self._ports, self._models = ports, models

    async def run(self, job: Job) -> None:
        await self._models.look_for_lost_vectors()
        with suppress(Gone):
            await build(self._ports, job.group, job.part or "")

    def failed(self, tx: Tx, job: Job, error: Exception) -> bool:
        code = error.code if isinstance(error, Unreadable) else FailureCode.INTERNAL
        passing = not isinstance(error, Unreadable) or error.passing
        again = passing and job.attempts < ATTEMPTS
        if item := item_of(tx, job):
            if not again:
                tx.passages.keep_only(item.id, item.generation)
            status, now = KnowledgeStatus.QUEUED if again else KnowledgeStatus.FAILED, self._ports.clock.now()
            tx.knowledge.update(replace(item, status=status, failure=code, updated_at=now, done=0, total=0))
        return again

    async def tell(self, job: Job) -> None:
        if item := await self._ports.store.read(lambda tx: item_of(tx, job)):
            self._ports.news.publish(KnowledgeProgress(item))


class Tireless(Handler):
    """Tries for ever: no owner waits for it."""

    foreseen = (Unavailable,)

    def __init__(self, ports: IndexingPorts, models: ModelWatch) -> None:
        self._ports, self._models = ports, models

    def failed(self, _tx: Tx, _job: Job, _error: Exception) -> bool:
        return True

    async def tell(self, _job: Job) -> None:
        return None


class Embed(Tireless):
    async def run(self, job: Job) -> None:
        await self._models.look_for_lost_vectors()
        await embed_avatar(self._ports, job.group)


class Erase(Tireless):
    async def run(self, job: Job) -> None:
        await self._models.look_for_lost_vectors()
        if job.part is None:
            await self._ports.vectors.remove_avatar(job.group)
        else:
            await self._ports.vectors.keep_only(job.group, job.part, [])
        await self._ports.store.erased()


def item_of(tx: Tx, job: Job) -> KnowledgeItem | None:
    return tx.knowledge.by_id(job.group, job.part or "")
