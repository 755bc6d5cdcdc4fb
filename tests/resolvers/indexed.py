"""Waiting for the jobs of knowledge."""

import asyncio

from domain.tables import Store
from resolvers.context import Services


async def all_done(services: Services) -> None:
    """Runs the indexer until it has nothing to do."""
    async with services.indexer.running():
        await no_jobs(services.store)


async def no_jobs(store: Store) -> None:
    while not await store.read(lambda tx: tx.jobs.is_empty()):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
