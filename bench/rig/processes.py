"""The servers under test, each a process of its own on a core of its own. Linux only."""

import asyncio
import os
import socket
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.report import ROOT
from bench.rig.wire import Http

CORES = sorted(os.sched_getaffinity(0))
LOAD_CORE, SERVER_CORE = CORES[0], CORES[-1]
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
START_LIMIT = 600.0


@dataclass(frozen=True, slots=True)
class Running:
    """A process that listens at `url`. `began`: the clock's reading when it was started."""

    url: str
    process: psutil.Process
    began: float

    def cpu(self) -> float:
        """Seconds of CPU that it has used so far, on all its threads."""
        times = self.process.cpu_times()
        return times.user + times.system

    def memory(self) -> int:
        """Bytes that it holds in physical memory."""
        return self.process.memory_info().rss


@dataclass(frozen=True, slots=True)
class Program:
    """A server that listens on `port`, and answers `health` with a body that holds `ready` when it is open."""

    command: Sequence[str | Path]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    health: str = "/health"
    ready: bytes = b'"ok"'


@asynccontextmanager
async def started(program: Program, *cores: int) -> AsyncIterator[Running]:
    """The process, which may not listen yet; it and its own processes are killed at the end."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *program.command, cwd=ROOT, env={**kept, **program.environment}, stdout=DEVNULL, stderr=DEVNULL
    )
    os.sched_setaffinity(process.pid, cores)
    try:
        yield Running(f"http://127.0.0.1:{program.port}", psutil.Process(process.pid), began)
    finally:
        beside = its_own(process.pid)
        if process.returncode is None:
            process.kill()
        await process.wait()
        await asyncio.to_thread(kill_all, beside)


def its_own(pid: int) -> list[psutil.Process]:
    """The processes that it has started."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill_all(processes: Sequence[psutil.Process]) -> None:
    """Returns when all have ended: until then they may write to what is the caller's to remove."""
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(processes)


@asynccontextmanager
async def serving(program: Program, *cores: int) -> AsyncIterator[Running]:
    """The process, once it is ready. Raises `TimeoutError`."""
    async with started(program, *cores) as running:
        await answered(running.url, program.health, program.ready)
        yield running


async def answered(url: str, path: str, ready: bytes, every: float = 0.05) -> None:
    """Waits until a GET is answered with a body that holds `ready`. Raises `TimeoutError`."""
    async with asyncio.timeout(START_LIMIT):
        while True:
            if ready in await got(url, path):
                return
            await asyncio.sleep(every)


async def got(url: str, path: str) -> bytes:
    """The body of a GET; nothing while nobody listens."""
    try:
        connection = await Http.open(url)
    except OSError:
        return b""
    try:
        return await connection.get(path)
    except OSError:
        return b""
    finally:
        connection.close()


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
