"""Search by meaning beyond the embedding of the question, and what storing vectors takes.

Cold is an avatar whose matrix is not in memory: the cache has room for one, and no avatar is asked twice in a row.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from zlib import crc32

import numpy as np
import psutil

from adapters.system_clock import SystemClock
from adapters.vectors.chroma_vectors import ChromaVectors, open_vectors
from bench.report import Row, at_most
from bench.rig.processes import LOAD_CORE, SERVER_CORE
from bench.scale import Scale
from domain.knowledge.ports import Vector

MODEL, DIMENSION, TOP = "minilm", 384, 20
SEARCHES = 300
WORDS = ("the", "museum", "shows", "its", "oldest", "ships", "on", "sundays", "tickets", "sell", "until", "four")
MEBIBYTE = 1024**2


def some_vectors(avatar: str, count: int) -> dict[str, Vector]:
    rows = np.random.default_rng(crc32(avatar.encode())).standard_normal((count, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return {f"{avatar}-{place:05}": row for place, row in enumerate(rows.tolist())}


async def fill(vectors: ChromaVectors, avatars: Sequence[str], count: int) -> float:
    """Vectors stored a second, as they come from indexing: at most 100 at a time."""
    seconds = 0.0
    for avatar in avatars:
        made = list(some_vectors(avatar, count).items())
        start = time.perf_counter()
        for place in range(0, count, 100):
            await vectors.put(avatar, MODEL, "item", dict(made[place : place + 100]))
        seconds += time.perf_counter() - start
    return len(avatars) * count / seconds


async def searched(vectors: ChromaVectors, avatars: Sequence[str]) -> float:
    """The median of one search, in milliseconds."""
    question, times = some_vectors("question", 1).popitem()[1], []
    for avatar in avatars:
        start = time.perf_counter()
        await vectors.nearest(avatar, MODEL, question, TOP)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def processes() -> list[psutil.Process]:
    """This one, and Chroma's."""
    return [psutil.Process(), *psutil.Process().children(recursive=True)]


def resident() -> int:
    """Their memory, in bytes."""
    return sum(each.memory_info().rss for each in processes())


def on_disk(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def searches(folder: Path, name: str, avatars: Sequence[str], count: int) -> list[Row]:
    async with open_vectors(folder, None, SystemClock()) as vectors:
        stored = await fill(vectors, avatars, count)
        await searched(vectors, avatars)
        hot = await searched(vectors, list(islice(cycle(avatars), SEARCHES)))
        held = [
            Row(f"{name}: memory, Chroma's process included", resident() / MEBIBYTE, "MiB"),
            Row(f"{name}: of it cached matrices", vectors.cached_bytes / MEBIBYTE, "MiB"),
            Row(f"{name}: open files", sum(each.num_fds() for each in processes()), "files"),
        ]
    async with open_vectors(folder, None, SystemClock(), cache_bytes=1) as vectors:
        cold = await searched(vectors, list(islice(cycle(avatars), SEARCHES)))
        start = time.perf_counter()
        await vectors.remove_avatar(avatars[0])
        erased = time.perf_counter() - start
    return [
        Row(f"{name}: hot search, median", hot, "ms", target=at_most(2)),
        Row(f"{name}: cold search, median", cold, "ms", target=at_most(20)),
        Row(f"{name}: vectors stored", stored, "1/s"),
        *held,
        Row(f"{name}: disk", on_disk(folder) / MEBIBYTE, "MiB"),
        Row(f"{name}: an avatar erased", erased * 1000, "ms"),
    ]


async def measure(scale: Scale) -> list[Row]:
    os.sched_setaffinity(0, {LOAD_CORE, SERVER_CORE})
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        many = [f"avatar-{number}" for number in range(scale.avatars)]
        large = scale.passages_of_one
        rows = [
            *await searches(folder / "many", f"{scale.avatars} avatars of 100", many, 100),
            *await searches(folder / "large", f"2 avatars of {large}", ["one", "other"], large),
        ]
    os.sched_setaffinity(0, {LOAD_CORE})
    return rows
