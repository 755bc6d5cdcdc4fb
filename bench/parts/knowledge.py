"""What knowledge costs: the whole of recalling, indexing, and what a file that is indexed does to those who chat."""

import os
import tempfile
from pathlib import Path

from bench.parts import blocking, indexing
from bench.parts.recalling import filled, recalled
from bench.report import Row
from bench.rig.processes import LOAD_CORE, SERVER_CORE
from bench.scale import Scale
from tests.parts.postgres import DURABLE, running


async def measure(scale: Scale) -> list[Row]:
    os.sched_setaffinity(0, {LOAD_CORE, SERVER_CORE})
    rows = [*await recalling(scale), *await indexing.measure(scale)]
    os.sched_setaffinity(0, {LOAD_CORE})
    return [*rows, *await blocking.measure(scale)]


async def recalling(scale: Scale) -> list[Row]:
    """PostgreSQL tidies up after the filling at once; by itself it would do so amid the measurement."""
    with tempfile.TemporaryDirectory() as directory, running((*DURABLE, "autovacuum=off")) as server:
        await server.run("CREATE DATABASE bench")
        urls = {"SQLite": f"sqlite:///{directory}/bench.db", "PostgreSQL": server.url("bench")}
        rows: list[Row] = []
        for name, url in urls.items():
            folder = Path(directory) / name
            avatars = await filled(url, folder, scale)
            for command in ("VACUUM ANALYZE", "CHECKPOINT"):
                await server.run(command, "bench")
            rows += await recalled(url, folder, name, avatars, scale)
        return rows
