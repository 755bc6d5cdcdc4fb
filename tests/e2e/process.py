"""The program as its users start it: a process of its own, with the real database and real providers' protocol."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.parts.ports import free_port

PROGRAM = Path(sys.executable).parent / "avatarium"
KEPT = ("PATH", "HOME", "LANG")
PATIENT = {f"AVATARIUM_AI_{wait}_TIMEOUT": "3600" for wait in ("CONNECT", "FIRST_TOKEN", "BETWEEN_TOKENS", "TOTAL")}
"""With every provider: no machine is too slow for it."""


@dataclass(slots=True)
class Avatarium:
    """A running server. `output` is what it has printed so far.

    All of it is read at once: a program whose pipe is full stands still.
    """

    url: str
    data: Path
    process: Process
    environment: Mapping[str, str]
    output: list[str] = field(default_factory=list)
    unread: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    reading: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self.reading = asyncio.create_task(self._read())

    @property
    def link(self) -> str:
        """The sign-in link that it printed at its start."""
        return next(word for line in self.output for word in line.split() if "#token=" in word)

    async def read_until(self, text: str) -> str:
        """Reads on until a line holds `text`; fails when the process ends before."""
        while line := await self.unread.get():
            if text in line:
                return line
        raise AssertionError("the server ended:\n" + "".join(self.output))

    async def _read(self) -> None:
        assert self.process.stdout
        while line := (await self.process.stdout.readline()).decode():
            self.output.append(line)
            self.unread.put_nowait(line)
        self.unread.put_nowait("")

    async def command(self, *arguments: str) -> str:
        """What another command of the program prints, given the same settings."""
        process = await asyncio.create_subprocess_exec(PROGRAM, *arguments, env=self.environment, stdout=PIPE)
        printed, _ = await process.communicate()
        return printed.decode().strip()

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await self.reading
        return await self.process.wait()

    async def leaks(self, *secrets: str) -> list[str]:
        """Stops it; gives the secrets that it has printed, and `Traceback` if there was one."""
        await self.stop()
        printed = "".join(self.output)
        return [word for word in ("Traceback", *secrets) if word in printed]


@asynccontextmanager
async def avatarium(data: Path, **settings: str) -> AsyncIterator[Avatarium]:
    """Starts `avatarium serve`, on a free port unless one is set, and waits until it has printed the sign-in link."""
    port = int(settings.get("AVATARIUM_PORT") or free_port())
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "AVATARIUM_PORT": str(port),
        "AVATARIUM_DATA_DIR": str(data),
        "AVATARIUM_EMBEDDINGS": "none",
        **PATIENT,
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "serve", env=environment, cwd=data, stdout=PIPE, stderr=STDOUT
    )
    server = Avatarium(f"http://127.0.0.1:{port}", data, process, environment)
    try:
        await server.read_until("Sign in")
        yield server
    finally:
        if process.returncode is None:
            process.kill()
        await server.reading
        await process.wait()
