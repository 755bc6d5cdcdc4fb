"""How long the event loop is held up while a file of ten megabytes is indexed and visitors chat.

The server has all cores, as for everybody. The floor is the same probe in an empty process at the same time, since a
busy machine puts off everybody. What the hypervisor took from the cores during a delay is told apart: no program can
help that. The server is probed first with the chat alone, then while the file is read, stored and embedded with MiniLM;
embedding all of it takes minutes, so the measurement ends after a part of it. The avatar has ten thousand vectors from
before, so that what grows with an avatar is there from the start.
"""

import asyncio
import os
import random
import shutil
import sqlite3
import tempfile
import time
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median, quantiles

import aiohttp

from adapters.embedding.embedders import minilm_folder
from adapters.settings.values import LOCAL_EMBEDDINGS
from adapters.vectors.matrices import MatrixFiles, matrix
from bench.parts.recalling import some_rows
from bench.quality.labelled import documents
from bench.report import ROOT, Row, Target, at_most
from bench.rig.doors import GraphQLSubscription, RestSocket
from bench.rig.probed import NUMBERS
from bench.rig.processes import LOAD_CORE, SERVER_CORE, python, serving
from bench.rig.servers import House, avatarium, token, upstream_server
from bench.rig.upstream import PACED
from bench.rig.visitors import OurVisitor
from bench.scale import Scale
from tests.parts.minilm import built

DOORS: tuple[type[OurVisitor], ...] = (GraphQLSubscription, RestSocket)
LAGS, EMPTY = "lags", "lags-of-nothing"
LONG = 20
SECTIONS = 8


async def measure(scale: Scale) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        async with upstream_server() as upstream:
            program = avatarium(upstream.url, data)
            settings = {**program.environment, "AVATARIUM_EMBEDDINGS": LOCAL_EMBEDDINGS}
            program = replace(
                program, command=python("bench.rig.probed", str(data / LAGS), "serve"), environment=settings
            )
            shutil.copytree(built(), minilm_folder(data / "models"))
            async with serving(program, LOAD_CORE, SERVER_CORE) as running:
                await at_rest(data)
                house = House(running, await token(settings), f"{upstream.url}/v1")
                return await probed(house, data, scale)


async def probed(house: House, data: Path, scale: Scale) -> list[Row]:
    short_id = await house.avatar(PACED)
    remember(data, short_id, scale.passages_of_one)
    visitors = [DOORS[number % len(DOORS)](house, PACED) for number in range(scale.blocked_visitors)]
    await asyncio.gather(*(visitor.connect() for visitor in visitors))
    await chatted(visitors, scale.blocked_seconds / 10)
    async with beside(data):
        began = time.perf_counter()
        alone = await chatted(visitors, scale.blocked_seconds / 2)
        adding_began = time.perf_counter()
        adding = asyncio.create_task(add_file(house, short_id, scale.file_bytes))
        busy = await chatted(visitors, scale.blocked_seconds)
        await adding
        ended = time.perf_counter()
    for visitor in visitors:
        visitor.leave()
    note = f"{indexed(data)} passages of the file were indexed by then"
    return [
        *rows("chat alone", alone, data, began, adding_began),
        *rows("while a file is indexed", busy, data, adding_began, ended, at_most(LONG), note),
    ]


def rows(
    name: str,
    first: Sequence[float],
    data: Path,
    began: float,
    ended: float,
    target: Target | None = None,
    note: str = "",
) -> list[Row]:
    ours, empty = delays(data / LAGS, began, ended), delays(data / EMPTY, began, ended)
    return [
        Row(f"{name}: the loop's longest delay", longest(ours), "ms", longest(empty)),
        Row(f"{name}: the same, less what was stolen", left(ours), "ms", left(empty), target=target, note=note),
        Row(f"{name}: the loop's delay, p99", p99(ours), "ms", p99(empty)),
        Row(f"{name}: first token, median", median(first) * 1000, "ms"),
    ]


@asynccontextmanager
async def beside(data: Path) -> AsyncIterator[None]:
    """The same probe in an empty process: what the machine alone puts off."""
    process = await asyncio.create_subprocess_exec(*python("bench.rig.probed", str(data / EMPTY)), cwd=ROOT)
    os.sched_setaffinity(process.pid, {LOAD_CORE, SERVER_CORE})
    await asyncio.sleep(1)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def at_rest(data: Path) -> None:
    """Waits until the demo's own knowledge is indexed."""
    with closing(sqlite3.connect(data / "avatarium.db")) as database:
        while database.execute("SELECT count(*) FROM jobs").fetchone() != (0,):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


def remember(data: Path, short_id: str, count: int) -> None:
    """Gives the avatar vectors from before, as a matrix's file that the server has not read yet."""
    with closing(sqlite3.connect(data / "avatarium.db")) as database:
        [avatar_id] = database.execute("SELECT id FROM avatars WHERE short_id = ?", [short_id]).fetchone()
    ids = [f"before-{place}" for place in range(count)]
    MatrixFiles(data / "vectors" / "matrices").write(
        avatar_id, LOCAL_EMBEDDINGS, matrix(ids, ["before"] * count, some_rows("before", count))
    )


async def add_file(house: House, short_id: str, size: int) -> None:
    form = aiohttp.FormData({"type": "file"})
    form.add_field("file", text(size).encode(), filename="book.txt", content_type="text/plain")
    headers = {"Authorization": f"Bearer {house.token}"}
    url = f"{house.running.url}/v1/consumer-avatars/{short_id}/knowledge"
    async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as http, http.post(url, data=form):
        return


def text(size: int) -> str:
    """Paragraphs of the labelled set's words."""
    chosen, made = random.Random(size), 0
    sections = [section.text for each in documents() if each.language == "en" for section in each.sections]
    paragraphs: list[str] = []
    while made < size:
        paragraphs.append(" ".join(chosen.sample(sections, SECTIONS)))
        made += len(paragraphs[-1]) + 2
    return "\n\n".join(paragraphs)[:size]


async def chatted(visitors: Sequence[OurVisitor], seconds: float) -> list[float]:
    """Every visitor asks again after the last reply; the seconds to each first word."""
    heard: list[float] = []

    async def keep_asking(visitor: OurVisitor) -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            heard.append((await visitor.ask()).first)

    await asyncio.gather(*map(keep_asking, visitors))
    return heard


@dataclass(frozen=True, slots=True)
class Delay:
    """In milliseconds. `taken` is what the hypervisor took from the cores meanwhile."""

    late: float
    taken: float


def delays(file: Path, began: float, ended: float) -> list[Delay]:
    """The clock is one for all processes."""
    noted = array("d", file.read_bytes())
    whole = zip(*[iter(noted)] * NUMBERS, strict=False)
    return [Delay(late * 1000, taken * 1000) for when, late, taken in whole if began <= when <= ended]


def longest(noted: Sequence[Delay]) -> float:
    return max(each.late for each in noted)


def left(noted: Sequence[Delay]) -> float:
    """The longest, each without what the hypervisor took meanwhile."""
    return max(each.late - each.taken for each in noted)


def p99(noted: Sequence[Delay]) -> float:
    return quantiles((each.late for each in noted), n=100)[98]


def indexed(data: Path) -> str:
    with closing(sqlite3.connect(data / "avatarium.db")) as database:
        [(done, total)] = database.execute("SELECT sum(done), sum(total) FROM knowledge WHERE type = 'file'")
    return f"{done} of {total}"
