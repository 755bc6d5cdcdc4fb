"""The vectors of passages: kept in Chroma, asked as exact matrices in memory.

Embedded, each matrix has a copy in a file, which loads in milliseconds where Chroma takes seconds. With a server
there are no such files, since other processes change what is there: a matrix in memory is checked by its version.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

import numpy as np

from adapters.vectors.cache import Entry, Key, VectorCache
from adapters.vectors.chroma_client import discard_remains
from adapters.vectors.chroma_process import Aside, ChromaFailed, InProcess, InThreads
from adapters.vectors.chroma_shards import ChromaShards
from adapters.vectors.matrices import Matrix, MatrixFiles, matrix
from domain.errors import Unavailable
from domain.knowledge.items import Match
from domain.knowledge.ports import Vector, Vectors
from domain.ports import Clock

T = TypeVar("T")
log = logging.getLogger("avatarium.vectors")

CACHE_BYTES = 256 * 1024**2
CHECK_SECONDS = 5.0
# Searching so many numbers, 10,000 rows of 384, takes about 1 ms; another thread begins and is heard no sooner.
FEW = 4_000_000


@asynccontextmanager
async def open_vectors(
    directory: Path, server_url: str | None, clock: Clock, cache_bytes: int = CACHE_BYTES
) -> AsyncIterator["ChromaVectors"]:
    """Embedded in the directory, or on a server. Neither is opened before its first use.

    Copies without an original, and a database that is none, are discarded: the vectors are made anew.
    """
    chroma, matrices = directory / "chroma", directory / "matrices"
    if not server_url and await asyncio.to_thread(discard_remains, chroma, matrices):
        log.error("Chroma's database is missing or damaged: its folder is emptied, and the vectors are made anew")
    files = None if server_url else MatrixFiles(matrices)
    aside = InThreads(server_url) if server_url else InProcess(chroma)
    try:
        yield ChromaVectors(aside, files, VectorCache(cache_bytes), clock)
    finally:
        await aside.close()


class ChromaVectors(Vectors):
    """What is removed goes from Chroma first, so that nobody loads it again from there.

    For the same reason what is added comes into a server first. Embedded, it comes into the file first: nothing is in
    Chroma that the file does not have, whenever the process dies.
    """

    def __init__(self, aside: Aside, files: MatrixFiles | None, cache: VectorCache, clock: Clock) -> None:
        self._aside, self._files, self._cache, self._clock = aside, files, cache, clock
        self._locks = WeakValueDictionary[str, asyncio.Lock]()

    @property
    def cached_bytes(self) -> int:
        return self._cache.size

    async def is_empty(self) -> bool:
        return await answered(self._aside.is_empty())

    async def put(self, avatar_id: str, model: str, item_id: str, vectors: Mapping[str, Vector]) -> None:
        if not vectors:
            return
        key = (avatar_id, model)
        added = matrix(list(vectors), [item_id] * len(vectors), np.asarray(list(vectors.values()), np.float32))
        if self._files:
            await self._remember(key, added)
        await self._chroma(ChromaShards.put, avatar_id, model, added)
        if not self._files:
            await self._remember(key, added)

    async def missing(self, avatar_id: str, model: str, passage_ids: Sequence[str]) -> list[str]:
        present = await self._chroma(ChromaShards.present, avatar_id, model, passage_ids)
        return [each for each in passage_ids if each not in present]

    async def nearest(self, avatar_id: str, model: str, vector: Vector, limit: int) -> list[Match]:
        key = (avatar_id, model)
        entry = self._cache.get(key)
        if entry is None or not self._is_fresh(entry):
            async with self._lock(avatar_id):
                entry = await self._entry(key)
        if entry.matrix.rows.size <= FEW:
            return entry.matrix.nearest(vector, limit)
        return await asyncio.to_thread(entry.matrix.nearest, vector, limit)

    async def keep_only(self, avatar_id: str, item_id: str, passage_ids: Sequence[str]) -> None:
        kept = set(passage_ids)
        for model in await self._chroma(ChromaShards.models, avatar_id):
            stored = await self._chroma(ChromaShards.of_item, avatar_id, model, item_id)
            gone = [each for each in stored if each not in kept]
            await self._chroma(ChromaShards.remove, avatar_id, model, gone)
            await self._forget_others((avatar_id, model), item_id, passage_ids)
        await self._chroma(ChromaShards.wipe)

    async def remove_model(self, avatar_id: str, model: str) -> None:
        await self._chroma(ChromaShards.remove_model, avatar_id, model)
        async with self._lock(avatar_id):
            self._cache.drop((avatar_id, model))
            await self._file(MatrixFiles.remove, avatar_id, model)
        await self._chroma(ChromaShards.wipe)

    async def remove_avatar(self, avatar_id: str) -> None:
        for model in await self._chroma(ChromaShards.models, avatar_id):
            await self._chroma(ChromaShards.remove_model, avatar_id, model)
        async with self._lock(avatar_id):
            self._cache.drop_avatar(avatar_id)
            await self._file(MatrixFiles.remove, avatar_id)
        await self._chroma(ChromaShards.wipe)

    async def _entry(self, key: Key) -> Entry:
        """What is stored, from memory if that is fresh, from its file, or from Chroma. For whoever holds the lock."""
        entry = self._cache.get(key)
        if entry and not self._is_fresh(entry):
            version = await self._chroma(ChromaShards.version, *key)
            entry = Entry(entry.matrix, version, self._clock.monotonic()) if version == entry.version else None
        content = None if entry else await self._file(MatrixFiles.read, *key)
        entry = entry or (Entry(content) if content is not None else await self._loaded(key))
        self._cache.set(key, entry)
        return entry

    async def _loaded(self, key: Key) -> Entry:
        now = self._clock.monotonic()
        version, content = await self._chroma(ChromaShards.load, *key)
        await self._file(MatrixFiles.write, *key, content)
        return Entry(content, version, now)

    async def _remember(self, key: Key, added: Matrix) -> None:
        async with self._lock(key[0]):
            if entry := await self._changing(key):
                together = await asyncio.to_thread(entry.matrix.having, added)
                await self._file(self._add_to_file, key, entry.matrix, added, together)
                self._cache.set(key, Entry(together, entry.version, entry.checked))

    async def _forget_others(self, key: Key, item_id: str, passage_ids: Sequence[str]) -> None:
        async with self._lock(key[0]):
            if entry := await self._changing(key):
                rest = await asyncio.to_thread(entry.matrix.keeping, item_id, passage_ids)
                if rest is not entry.matrix:
                    await self._file(MatrixFiles.write, *key, rest)
                    self._cache.set(key, Entry(rest, entry.version, entry.checked))

    async def _changing(self, key: Key) -> Entry | None:
        """What a change is made to. With a server, what is not in memory is loaded when it is asked for.

        The entry keeps its version, though Chroma has a newer one: others may have made theirs at the same time, and
        by the newest alone nobody can tell whose changes it follows. So it is loaded anew when it is checked.
        """
        return await self._entry(key) if self._files else self._cache.get(key)

    def _is_fresh(self, entry: Entry) -> bool:
        return self._files is not None or self._clock.monotonic() < entry.checked + CHECK_SECONDS

    def _lock(self, avatar_id: str) -> asyncio.Lock:
        return self._locks.setdefault(avatar_id, asyncio.Lock())

    async def _file(self, work: Callable[..., T], *arguments: object) -> T | None:
        if self._files is None:
            return None
        try:
            return await asyncio.to_thread(work, self._files, *arguments)
        except OSError as error:
            log.error("The file of an avatar's vectors cannot be used: %s", type(error).__name__)
            raise Unavailable("The vectors of the knowledge base cannot be read or written. Try again soon.") from None

    @staticmethod
    def _add_to_file(files: MatrixFiles, key: Key, before: Matrix, added: Matrix, together: Matrix) -> None:
        if len(before) and len(together) == len(before) + len(added):
            with suppress(FileNotFoundError):
                files.append(*key, added)
                return
        files.write(*key, together)

    async def _chroma(self, work: Callable[..., T], *arguments: object) -> T:
        return await answered(self._aside.do(work, *arguments))


async def answered(asking: Awaitable[T]) -> T:
    try:
        return await asking
    except Exception as error:
        log.error("Chroma failed: %s", error if isinstance(error, ChromaFailed) else type(error).__name__)
        raise Unavailable("The store of the knowledge base's vectors does not answer. Try again soon.") from None
