"""A process beside the server's own, for work that would hold Python's lock or the cores that visitors need."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TypeVar

from adapters.processes.giving_way import give_way

T = TypeVar("T")
IDLE_SECONDS = 60.0


class OwnProcess:
    """Starts when it is first needed, does one thing at a time, and ends when it has had nothing to do for a minute.

    `begin` is called in it first, with the given arguments, and `end` last. It yields to every other process.
    """

    def __init__(self, begin: Callable[..., object], *arguments: object, end: Callable[[], None] | None = None) -> None:
        self._begin, self._end = partial(begin_beside, begin, *arguments), end
        self._pool: ProcessPoolExecutor | None = None
        self._changing = asyncio.Lock()
        self._at_work = 0
        self._idle: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    async def do(self, work: Callable[..., T], *arguments: object) -> T:
        """Calls a function of a module. Raises what it raises, and `BrokenProcessPool` when the process has died."""
        self._at_work += 1
        if self._idle:
            self._idle.cancel()
        try:
            return await self._done_in(await self._started(), work, *arguments)
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end_idle)

    async def close(self) -> None:
        """Drops what has not begun."""
        if self._idle:
            self._idle.cancel()
        await self._stop()

    async def _done_in(self, pool: ProcessPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
        try:
            return await asyncio.wrap_future(await asyncio.to_thread(pool.submit, work, *arguments))
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise

    async def _started(self) -> ProcessPoolExecutor:
        """Never two of them at a time."""
        async with self._changing:
            if self._pool is None:
                self._pool = await asyncio.to_thread(ProcessPoolExecutor, 1, get_context("spawn"), self._begin)
            return self._pool

    def _end_idle(self) -> None:
        self._ending = asyncio.create_task(self._stop(unless_at_work=True))

    async def _stop(self, *, unless_at_work: bool = False) -> None:
        async with self._changing:
            if unless_at_work and self._at_work:
                return
            pool, self._pool = self._pool, None
            if pool:
                with suppress(BrokenProcessPool):
                    await asyncio.to_thread(stopped, pool, self._end)


def stopped(pool: ProcessPoolExecutor, end: Callable[[], None] | None) -> None:
    try:
        if end:
            pool.submit(end).result()
    finally:
        pool.shutdown(cancel_futures=True)


def begin_beside(begin: Callable[..., object], *arguments: object) -> None:
    """A signal to the server and its processes is the server's to answer: this one ends with it."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    give_way()
    Thread(target=end_with_parent, daemon=True).start()
    begin(*arguments)


def end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(0)
