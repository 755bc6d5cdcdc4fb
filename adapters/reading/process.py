"""The readers: processes of their own for as long as there is something to read."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson

from adapters.reading.child import Child, start
from adapters.reading.frames import receive_frame, send_frame
from adapters.reading.limits import ReadingLimits
from domain.knowledge.jobs import QUICK_BYTES
from domain.knowledge.ports import Reader
from domain.knowledge.reading import BODY_MAX_BYTES, Document, FailureCode, Piece, Raw, Unreadable

PASSED_ON = ("PATH", "PYTHONPATH", "SYSTEMROOT")
SUSPECT = (FailureCode.BROKEN, FailureCode.TOO_SLOW)


@asynccontextmanager
async def open_readers(limits: ReadingLimits | None = None) -> AsyncIterator["ReaderBySize"]:
    """Two processes: what is small waits for nothing that is large."""
    async with open_reader(limits) as small, open_reader(limits) as large:
        yield ReaderBySize(small, large)


@asynccontextmanager
async def open_reader(limits: ReadingLimits | None = None) -> AsyncIterator["ProcessReader"]:
    """Whoever reads has to have ended before it is closed."""
    reader = ProcessReader(limits or ReadingLimits())
    try:
        yield reader
    finally:
        await reader.close()


class ReaderBySize(Reader):
    def __init__(self, small: Reader, large: Reader) -> None:
        self._small, self._large = small, large

    async def read(self, raw: Raw) -> Document:
        return await (self._small if len(raw.body) <= QUICK_BYTES else self._large).read(raw)


class ProcessReader(Reader):
    """One document at a time. A process that failed is replaced, and one with nothing to do is ended."""

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits
        self._one_at_a_time = asyncio.Lock()
        self._child: Child | None = None
        self._idle: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The reading process, while there is one."""
        return self._child.process.pid if self._child else None

    async def read(self, raw: Raw) -> Document:
        if len(raw.body) > BODY_MAX_BYTES:
            raise Unreadable(FailureCode.TOO_LARGE)
        async with self._one_at_a_time:
            await self._stop_waiting()
            try:
                return await self._read(raw)
            finally:
                self._idle = asyncio.create_task(self._end_when_idle())

    async def close(self) -> None:
        await self._stop_waiting()
        await self._end()

    async def _read(self, raw: Raw) -> Document:
        """A process that served before may have died in between, so a document is given up only by a new one."""
        served_before = self._child is not None
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await _ask(await self._running(), raw)
        except TimeoutError:
            await self._end()
            raise Unreadable(FailureCode.TOO_SLOW) from None
        except (asyncio.IncompleteReadError, ConnectionError):
            ended = await self._end()
            if served_before and ended != -signal.SIGXCPU:
                return await self._read(raw)
            # A full machine kills whatever is large, which says little of the document: it is read again later.
            killed = ended in (-signal.SIGXCPU, -signal.SIGKILL)
            code = FailureCode.TOO_SLOW if killed else FailureCode.BROKEN
            raise Unreadable(code, passing=ended == -signal.SIGKILL) from None
        except Unreadable as reason:
            if reason.code in SUSPECT:
                await self._end()
            raise
        except BaseException:
            await self._end()
            raise

    async def _running(self) -> Child:
        """A process that died in between is still to be closed."""
        if self._child is not None and self._child.process.poll() is not None:
            await self._end()
        if self._child is None:
            self._child = await _start(self._limits)
        return self._child

    async def _end(self) -> int | None:
        """The exit code, if there was a process."""
        child, self._child = self._child, None
        return await child.kill() if child else None

    async def _end_when_idle(self) -> None:
        await asyncio.sleep(self._limits.idle_seconds)
        await self._end()

    async def _stop_waiting(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            await asyncio.wait({self._idle})
            self._idle = None


async def _start(limits: ReadingLimits) -> Child:
    """It gets none of the server's environment but what Python needs: there are secrets in it."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {"PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-BPm", "adapters.reading.worker", str(limits.memory_bytes), str(limits.cpu_seconds)]
    return await start(command, environment)


async def _ask(child: Child, raw: Raw) -> Document:
    asked = {"media_type": raw.media_type, "name": raw.name, "url": raw.url}
    await send_frame(child.questions, orjson.dumps(asked))
    await send_frame(child.questions, raw.body)
    pieces: list[Piece] = []
    while "pieces" in (answer := orjson.loads(await receive_frame(child.answers))):
        pieces += [Piece(*fields) for fields in answer["pieces"]]
    if "failure" in answer:
        raise Unreadable(FailureCode(answer["failure"]))
    return Document(answer["title"], tuple(pieces), tuple(answer["links"]))
