"""Search by meaning beyond the embedding of the question, and indexing.

Cold is an avatar whose matrix is not in memory: the cache has room for one, and no avatar is asked twice in a row. The
peer of indexing is plain Chroma with its own embedder on the same weights, which pads every text to 256 tokens.
"""

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from zlib import crc32

import numpy as np

from adapters.chroma_vectors import ChromaVectors, open_vectors
from adapters.minilm import MODEL_FILE, MiniLm
from adapters.system_clock import SystemClock
from bench.processes import LOAD_CORE, SERVER_CORE
from bench.report import Of, Row, at_least, at_most
from bench.scale import Scale
from domain.knowledge_ports import Vector
from tests.parts.minilm import PACKAGE, built

MODEL, DIMENSION, TOP = "minilm", 384, 20
SEARCHES = 300
WORDS = ("the", "museum", "shows", "its", "oldest", "ships", "on", "sundays", "tickets", "sell", "until", "four")
MEBIBYTE = 1024**2


def some_vectors(avatar: str, count: int) -> dict[str, Vector]:
    rows = np.random.default_rng(crc32(avatar.encode())).standard_normal((count, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return {f"{avatar}-{place:05}": row for place, row in enumerate(rows.tolist())}


async def fill(vectors: ChromaVectors, avatars: Sequence[str], count: int) -> float:
    """Vectors stored a second, as they come from an indexer: at most 100 at a time."""
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


def resident() -> int:
    """This process's memory, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def on_disk(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def searches(folder: Path, name: str, avatars: Sequence[str], count: int) -> list[Row]:
    async with open_vectors(folder, None, SystemClock()) as vectors:
        stored = await fill(vectors, avatars, count)
        await searched(vectors, avatars)
        hot = await searched(vectors, list(islice(cycle(avatars), SEARCHES)))
        held = [
            Row(f"{name}: memory of the process", resident() / MEBIBYTE, "MiB"),
            Row(f"{name}: of it cached matrices", vectors.cached_bytes / MEBIBYTE, "MiB"),
            Row(f"{name}: open files of the process", len(os.listdir("/proc/self/fd")), "files"),
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


async def indexed(folder: Path, texts: Sequence[str]) -> float:
    """Passages a second."""
    minilm = MiniLm(built())
    async with open_vectors(folder, None, SystemClock()) as vectors:
        await vectors.put("avatar", MODEL, "warm", {"warm": (await minilm.embed([texts[0]]))[0]})
        start = time.perf_counter()
        made = await minilm.embed(texts)
        await vectors.put("avatar", MODEL, "item", {str(place): vector for place, vector in enumerate(made)})
        seconds = time.perf_counter() - start
    minilm.close()
    return len(texts) / seconds


def indexed_by_chroma(folder: Path, texts: Sequence[str]) -> float:
    import chromadb
    from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2

    class Local(ONNXMiniLM_L6_V2):
        DOWNLOAD_PATH = folder / "weights"

    shutil.copytree(PACKAGE, folder / "weights" / "onnx", ignore=shutil.ignore_patterns("*.safetensors"))
    shutil.copy(built() / MODEL_FILE, folder / "weights" / "onnx")
    collection = chromadb.PersistentClient(folder / "plain").create_collection("plain", embedding_function=Local())  # type: ignore[arg-type]
    collection.add(ids=["warm"], documents=[texts[0]])
    start = time.perf_counter()
    collection.add(ids=[str(place) for place in range(len(texts))], documents=list(texts))
    return len(texts) / (time.perf_counter() - start)


async def indexing(folder: Path, words: int, count: int) -> Row:
    texts = [" ".join(islice(cycle(WORDS), place % len(WORDS), place % len(WORDS) + words)) for place in range(count)]
    ours = await indexed(folder / f"ours-{words}", texts)
    peer = await asyncio.to_thread(indexed_by_chroma, folder / f"peer-{words}", texts)
    return Row(f"indexing passages of {words} words", ours, "passages/s", peer=peer, target=at_least(5, Of.PEER))


async def measure(scale: Scale) -> list[Row]:
    os.sched_setaffinity(0, {LOAD_CORE, SERVER_CORE})
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        many = [f"avatar-{number}" for number in range(scale.avatars)]
        large = scale.passages_of_one
        rows = [
            *await searches(folder / "many", f"{scale.avatars} avatars of 100", many, 100),
            *await searches(folder / "large", f"2 avatars of {large}", ["one", "other"], large),
            *[await indexing(folder, words, scale.passages_indexed) for words in (10, 25, 50, 100, 200)],
        ]
    os.sched_setaffinity(0, {LOAD_CORE})
    return rows
