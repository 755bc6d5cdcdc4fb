"""What knowledge costs: the whole of recalling, indexing, and what a file that is indexed does to those who chat."""

import os
import tempfile
from pathlib import Path

from bench import blocking, indexing
from bench.processes import LOAD_CORE, SERVER_CORE
from bench.recalling import filled, recalled
from bench.report import Row
from bench.scale import Scale
from tests.parts.postgres import DURABLE, running


async def measure(scale: Scale) -> list[Row]:
    os.sched_setaffinity(0, {LOAD_CORE, SERVER_CORE})
    rows = [*await recalling(scale), *await indexing.measure(scale)]
    os.sched_setaffinity(0, {LOAD_CORE})
    return [*rows, *await blocking.measure(scale)]


async def recalling(scale: Scale) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory, running(DURABLE) as server:
        await server.run("CREATE DATABASE bench")
        urls = {"SQLite": f"sqlite:///{directory}/bench.db", "PostgreSQL": server.url("bench")}
        avatars = {name: await filled(url, Path(directory) / name, scale) for name, url in urls.items()}
        # PostgreSQL does so by itself within minutes, amid the measurement.
        for command in ("VACUUM ANALYZE", "CHECKPOINT"):
            await server.run(command, "bench")
        return [
            row
            for name, url in urls.items()
            for row in await recalled(url, Path(directory) / name, name, avatars[name], scale)
        ]
