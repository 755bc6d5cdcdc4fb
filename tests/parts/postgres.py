"""PostgreSQL, Debian's own, on a free port of 127.0.0.1 with its files in a directory that goes with it."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from adapters.database.migrations import migrate
from tests.parts.ports import free_port

TEMPLATE = "migrated"
DURABLE = ("unix_socket_directories=", "max_connections=60", "deadlock_timeout=50ms")
QUICK = (*DURABLE, "fsync=off", "full_page_writes=off")
WAIT = ("-w", "-t", "3600")


class Postgres:
    """A server that can be stopped and started again. Its only user is `postgres`, without a password."""

    def __init__(self, directory: Path, port: int, options: Sequence[str]) -> None:
        self._data, self._log, self._port, self._options = directory / "data", directory / "log", port, options

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def make(self) -> None:
        self._call(
            "initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"
        )

    def start(self) -> None:
        options = " ".join([f"-h 127.0.0.1 -p {self._port}", *(f"-c {option}" for option in self._options)])
        self._call("pg_ctl", "start", *WAIT, "-D", self._data, "-l", self._log, "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """`fast` says goodbye to its clients; `immediate` is a crash."""
        self._call("pg_ctl", "stop", *WAIT, "-D", self._data, "-m", mode)

    @asynccontextmanager
    async def database(self, template: str = TEMPLATE) -> AsyncIterator[str]:
        """The address of a new database, which is dropped afterwards."""
        name = f"test_{uuid4().hex}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def run(self, sql: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def _call(self, program: str, *arguments: str | Path) -> None:
        """As another user when we are root, since PostgreSQL refuses to run as root."""
        command = [binaries() / program, *arguments]
        user = "postgres" if os.geteuid() == 0 else None
        subprocess.run(command, user=user, cwd=self._data.parent, check=True, stdout=subprocess.DEVNULL)


def binaries() -> Path:
    """A directory on PATH may hold links to a few of the programs only, so the link is followed."""
    found = shutil.which("initdb")
    places = [Path(found)] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not places:
        raise RuntimeError("PostgreSQL is not installed; run: tests/install_parts.sh")
    return places[-1].resolve().parent


@contextmanager
def running(options: Sequence[str] = QUICK) -> Iterator[Postgres]:
    """With settings `name=value`, in a directory of its own: pytest's are closed to other users."""
    with tempfile.TemporaryDirectory(prefix="avatarium-postgres-") as directory:
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres")
        server = Postgres(Path(directory), free_port(), options)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


@pytest.fixture(scope="session", name="postgres")
def postgres_fixture() -> Iterator[Postgres]:
    with running() as server:
        asyncio.run(server.run(f"CREATE DATABASE {TEMPLATE}"))
        migrate(server.url(TEMPLATE))
        yield server
