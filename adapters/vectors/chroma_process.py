"""Where the work at Chroma's collections is done: away from the event loop.

Embedded Chroma holds Python's lock for as long as it writes, a tenth of a second for a hundred vectors, and would
hold up every visitor of the process that it is in. So it has a process of its own.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from adapters.processes.own_process import OwnProcess
from adapters.vectors.chroma_client import ChromaServer, EmbeddedChroma, has_database
from adapters.vectors.chroma_shards import ChromaShards

T = TypeVar("T")
SERVER_THREADS = 4


class Aside(Protocol):
    async def do(self, work: Callable[..., T], *arguments: object) -> T:
        """Calls a method of `ChromaShards` with these arguments. Raises whatever it raises, or `ChromaFailed`."""
        ...

    async def is_empty(self) -> bool: ...
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

    async def is_empty(self) -> bool:
        return await self.do(ChromaShards.is_empty)

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._shards.close)


class InProcess(Aside):
    """Embedded in the directory, which belongs to one process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process = OwnProcess(open_shards, directory, end=close_shards)

    async def do(self, work: Callable[..., T], *arguments: object) -> T:
        return await self._process.do(at_shards, work, *arguments)

    async def is_empty(self) -> bool:
        """Tells without starting the process."""
        return not await asyncio.to_thread(has_database, self._directory)

    async def close(self) -> None:
        await self._process.close()


opened: list[ChromaShards] = []
"""The only one, in the process that is Chroma's."""


def open_shards(directory: Path) -> None:
    opened.append(ChromaShards(EmbeddedChroma(directory)))


def close_shards() -> None:
    opened[0].close()


def at_shards(work: Callable[..., T], *arguments: object) -> T:
    try:
        return work(opened[0], *arguments)
    except Exception as error:  # many of Chroma's own cannot be sent to another process
        raise ChromaFailed(type(error).__name__) from None
