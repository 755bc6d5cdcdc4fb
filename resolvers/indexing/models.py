"""Which embedding model's vectors avatars need: another one that has become the current one, or lost ones anew."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.knowledge.jobs import embed_job
from domain.knowledge.ports import Embedders, Vectors
from domain.ports import Clock
from domain.tables import Store, Tx

log = logging.getLogger("avatarium.indexing")

LOOK_EVERY = 5.0


class ModelWatch:
    """`look_every` is in seconds."""

    def __init__(
        self, clock: Clock, store: Store, embedders: Embedders, vectors: Vectors, look_every: float = LOOK_EVERY
    ) -> None:
        self._clock, self._store, self._embedders, self._vectors = clock, store, embedders, vectors
        self._look_every = look_every
        self._model: str | None = None
        self._looking = asyncio.Lock()
        self._has_looked = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def look_for_lost_vectors(self) -> None:
        """A database that was restored may tell of vectors that are not there: then they are made anew.

        To be called before anything is changed there, which would hide it. Raises `Unavailable`.
        """
        async with self._looking:
            if not self._has_looked:
                if await self._vectors.is_empty():
                    await self._store.write(lambda tx: tx.knowledge.forget_models())
                self._has_looked = True

    async def _watch(self) -> None:
        while True:
            try:
                await self.look_for_lost_vectors()
                await self._take_up_model()
            except Exception as error:
                log.error("which vectors are needed could not be looked at: %s", type(error).__name__)
            await asyncio.sleep(self._look_every)

    async def _take_up_model(self) -> None:
        """Asks for vectors of a model that has become the current one, for every avatar that has none of it."""
        current, now = self._embedders.current(), self._clock.now()
        model = current.model if current else None
        if model == self._model:
            return

        def add(tx: Tx) -> None:
            for avatar_id in tx.knowledge.without_model(model) if model else ():
                tx.jobs.add(embed_job(avatar_id, now))

        await self._store.write(add)
        self._model = model
