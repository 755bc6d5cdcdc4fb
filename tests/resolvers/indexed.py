"""Waiting for the jobs of knowledge."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.tables import Store
from resolvers.context import Services
from resolvers.indexing.models import ModelWatch


async def all_done(services: Services) -> None:
    """Runs the workers until they have nothing to do."""
    async with services.workers.running():
        await no_jobs(services.store)


@asynccontextmanager
async def watching_models(services: Services) -> AsyncIterator[None]:
    """As when a server has just started: the workers, and what looks for vectors that are needed."""
    recall = services.recall
    models = ModelWatch(services.clock, services.store, recall.embedders, recall.vectors, look_every=0.005)
    async with models.running(), services.workers.running():
        yield


async def no_jobs(store: Store) -> None:
    while not await store.read(lambda tx: tx.jobs.is_empty()):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
