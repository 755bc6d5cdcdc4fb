"""Where the work at Chroma's collections is done: away from the event loop.

Embedded Chroma holds Python's lock for as long as it writes, a tenth of a second for a hundred vectors, and would
hold up every visitor of the process that it is in. So it has a process of its own.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Lock, Thread
from typing import Protocol, TypeVar

from adapters.chroma_client import ChromaServer, EmbeddedChroma
from adapters.chroma_shards import ChromaShards

T = TypeVar("T")
SERVER_THREADS = 4


class Aside(Protocol):
    async def do(self, work: Callable[..., T], *arguments: object) -> T:
        """Calls a method of `ChromaShards` with these arguments. Raises whatever it raises, or `ChromaFailed`."""
        ...

    async def close(self) -> None: ...


class ChromaFailed(Exception):
    """Names what was raised in another process."""


class InThreads(Aside):
    """For a server: a request lets other threads run while it waits."""

    def __init__(self, url: str) -> None:
        self._shards = ChromaShards(ChromaServer(url))
        self._threads = ThreadPoolExecutor(SERVER_THREADS, "chroma")

    async def do(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, self._shards, *arguments)

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._shards.close)


class InProcess(Aside):
    """Starts the process when it is first needed, and again when it has died."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pool: ProcessPoolExecutor | None = None
        self._starting = Lock()

    async def do(self, work: Callable[..., T], *arguments: object) -> T:
        pool = await asyncio.to_thread(self._started)
        try:
            return await asyncio.wrap_future(await asyncio.to_thread(pool.submit, at_shards, work, *arguments))
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise

    def _started(self) -> ProcessPoolExecutor:
        """Never two at a time: the directory belongs to one process."""
        with self._starting:
            self._pool = self._pool or ProcessPoolExecutor(1, get_context("spawn"), begin, (self._directory,))
            return self._pool

    async def close(self) -> None:
        if pool := self._pool:
            with suppress(BrokenProcessPool):
                await self.do(ChromaShards.close)
            await asyncio.to_thread(pool.shutdown)


opened: list[ChromaShards] = []
"""The only one, in the process that is Chroma's."""


def begin(directory: Path) -> None:
    """The process ends with its parent, which decides when: a signal to both of them is the parent's to answer."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    Thread(target=end_with_parent, daemon=True).start()
    opened.append(ChromaShards(EmbeddedChroma(directory)))


def end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(0)


def at_shards(work: Callable[..., T], *arguments: object) -> T:
    try:
        return work(opened[0], *arguments)
    except Exception as error:  # many of Chroma's own cannot be sent to another process
        raise ChromaFailed(type(error).__name__) from None
