"""Recalling what an avatar knows, beyond the embedding of the question: both searches, and the passages told.

The embedder takes as long as a question's embedding does, asleep, as if it had a core of its own; meanwhile the
database is searched by words. What awaiting that embedder alone takes, at the median of the same run, is subtracted.
So the search by words counts only as far as it takes longer than the embedding, or holds up what comes after it.

Hot is an avatar that was asked before. Cold is a server that has just started: database and vectors are opened anew for
each question, so that nothing of any avatar is in the process; the system's cache of files stays. Passages are made
of the labelled set's, and its questions are asked. Matrices are written as they are after indexing.
"""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from itertools import cycle, islice
from pathlib import Path
from zlib import crc32

import numpy as np
from sqlalchemy import make_url

from adapters.database.store import STORES, open_store
from adapters.system_clock import SystemClock
from adapters.vectors.chroma_vectors import open_vectors
from adapters.vectors.coarse import Rows
from adapters.vectors.matrices import MatrixFiles, matrix
from bench.quality.labelled import documents, questions
from bench.report import Row, at_most
from bench.scale import Scale
from domain.avatars import Avatar
from domain.knowledge.items import Passage
from domain.knowledge.ports import Embedder, Vector
from domain.tables import Store, Tx
from resolvers.answering.recall import Recall
from tests.builders import a_passage, an_account, an_avatar, an_item
from tests.fakes.embedder import FakeEmbedders
from tests.fakes.lexicon import add_passages

MODEL, DIMENSION = "minilm", 384
EMBEDDING_SECONDS = 0.005
"""As long as a question's embedding takes."""
PASSAGES = 100
SECTIONS = 4
"""Sections of the labelled set in one passage: about a hundred words."""
STORED_AT_ONCE = 1000


class Asleep(Embedder):
    """Has the vector of any question after a while, in which it occupies no core."""

    @property
    def model(self) -> str:
        return MODEL

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        await asyncio.sleep(EMBEDDING_SECONDS)
        return [vector_of(text) for text in texts]


@cache
def vector_of(text: str) -> list[float]:
    found: list[float] = some_rows(text, 1)[0].tolist()
    return found


def some_rows(name: str, count: int) -> Rows:
    rows = np.random.default_rng(crc32(name.encode())).standard_normal((count, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


@cache
def asked() -> list[str]:
    return [each.ask for each in questions() if each.labels and not each.earlier]


@cache
def topics() -> list[list[str]]:
    """The texts of each English document's sections."""
    return [[section.text for section in each.sections] for each in documents() if each.language == "en"]


async def filled(url: str, folder: Path, scale: Scale) -> list[str]:
    """Stores a large avatar and then many small ones, with their passages and vectors; their ids.

    The matrices' files are all that is asked here. They would be discarded beside a Chroma that has nothing.
    """
    async with open_store(url) as store, open_vectors(folder, None, SystemClock()) as vectors:
        await vectors.put("nobody", MODEL, "nothing", {"none": vector_of("nothing")})
        sizes = [scale.passages_of_one, *[PASSAGES] * scale.avatars]
        account = an_account()
        await store.write(lambda tx: tx.accounts.add(account))
        avatars = [an_avatar(account) for _ in sizes]
        for avatar, size in zip(avatars, sizes, strict=True):
            await fill(store, folder, avatar, size)
        return [avatar.id for avatar in avatars]


async def fill(store: Store, folder: Path, avatar: Avatar, size: int) -> None:
    """One item that was indexed."""
    item = an_item(avatar, passage_count=size)
    chosen = random.Random(size)
    passages = [
        a_passage(
            item, "\n\n".join(chosen.sample(chosen.choice(topics()), SECTIONS)), place, heading=f"Part {place // 4}"
        )
        for place in range(size)
    ]

    def begin(tx: Tx) -> None:
        tx.avatars.add(avatar)
        tx.knowledge.add(item, None)
        tx.knowledge.use_model(avatar.id, MODEL)

    await store.write(begin)
    for start in range(0, size, STORED_AT_ONCE):
        part = passages[start : start + STORED_AT_ONCE]
        await store.write(partial(add, part))
    ids = [passage.id for passage in passages]
    content = matrix(ids, [item.id] * size, some_rows(avatar.id, size))
    MatrixFiles(folder / "matrices").write(avatar.id, MODEL, content)


def add(passages: Sequence[Passage], tx: Tx) -> None:
    add_passages(tx, passages)


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[Recall]:
    """On a database that has its tables already."""
    address = make_url(url)
    async with (
        STORES[address.get_backend_name()](address) as store,
        open_vectors(folder, None, SystemClock()) as vectors,
    ):
        yield Recall(store, FakeEmbedders(Asleep()), vectors)


async def hot(url: str, folder: Path, avatars: Sequence[str], count: int) -> list[float]:
    """Seconds of each recall, its embedding included."""
    async with opened(url, folder) as recall:
        for avatar in avatars:
            await timed(recall, avatar, asked()[0])
        pairs = islice(zip(cycle(avatars), cycle(asked()), strict=False), count)
        return [await timed(recall, avatar, question) for avatar, question in pairs]


async def cold(url: str, folder: Path, avatars: Sequence[str], count: int) -> list[float]:
    seconds: list[float] = []
    for avatar, question in islice(zip(cycle(avatars), cycle(asked()), strict=False), count):
        async with opened(url, folder) as recall:
            seconds.append(await timed(recall, avatar, question))
    return seconds


async def timed(recall: Recall, avatar: str, question: str) -> float:
    vector_of(question)
    began = time.perf_counter()
    await recall.about(avatar, question)
    return time.perf_counter() - began


async def embedding_alone(count: int) -> float:
    """The median, in seconds."""
    embedder = Asleep()
    seconds: list[float] = []
    for question in islice(cycle(asked()), count):
        vector_of(question)
        began = time.perf_counter()
        await embedder.embed([question])
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


async def recalled(url: str, folder: Path, database: str, avatars: Sequence[str], scale: Scale) -> list[Row]:
    """`avatars` are those that were filled for the scale."""
    large, *many = avatars
    alone = await embedding_alone(scale.recalls)
    rows = [Row(f"recall, {database}: embedding alone, subtracted below", alone * 1000, "ms")]
    for name, avatars in (
        (f"{scale.avatars} avatars of {PASSAGES} passages", many),
        (f"{scale.passages_of_one} passages in one avatar", [large]),
    ):
        for how, seconds, most in (
            ("hot", await hot(url, folder, avatars, scale.recalls), 2),
            ("cold", await cold(url, folder, avatars, scale.recalls_cold), 20),
        ):
            figure = (statistics.median(seconds) - alone) * 1000
            slow = (sorted(seconds)[int(len(seconds) * 0.95)] - alone) * 1000
            rows.append(Row(f"recall, {database}, {name}: {how}, median", figure, "ms", target=at_most(most)))
            rows.append(Row(f"recall, {database}, {name}: {how}, p95", slow, "ms"))
    return rows
