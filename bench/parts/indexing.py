"""Indexing: from split text to passages with vectors in the store of vectors and both searches' indexes.

Ours is what a worker does, on a new SQLite database and embedded Chroma. The peer is plain Chroma with its own
embedder on the same weights, on all cores, which pads every text to 256 tokens. The passages are those that our
splitter makes of the labelled set, of this project's documentation, and of long paragraphs without headings. The floor
is embedding them as we do, and storing nothing.

Only the short ones have a target: on both sides nearly all of the time is the network's, and what can be saved of it
is the padding.
"""

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from adapters.database.store import open_store
from adapters.embedding.minilm import MODEL_FILE, MiniLm
from adapters.memory.news import MemoryNews
from adapters.reading.pieces import pieces_of
from adapters.reading.plain import read_markdown, read_text
from adapters.system_clock import SystemClock
from adapters.vectors.chroma_vectors import open_vectors
from adapters.words.lexicon import open_lexicon
from bench.parts.blocking import text
from bench.quality.labelled import FOLDER
from bench.report import ROOT, Of, Row, Target, at_least
from bench.scale import Scale
from domain.accounts import Account
from domain.avatars import Avatar
from domain.knowledge.items import KnowledgeItem, KnowledgeStatus
from domain.knowledge.ports import Reader
from domain.knowledge.reading import Document, Piece, Raw
from domain.tables import Tx
from resolvers.indexing.building import IndexingPorts, build
from resolvers.indexing.source import DocumentSource
from tests.builders import an_account, an_avatar, an_item
from tests.fakes.embedder import FakeEmbedders
from tests.fakes.fetcher import FakeFetcher, FakeRobots
from tests.parts.minilm import PACKAGE, built

LONG = 1100
LABELLED = "the labelled set"
TARGETS = {LABELLED: at_least(5, Of.PEER)}


class SplitAlready(Reader):
    """Every document has these pieces."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = tuple(replace(piece, language="en") for piece in pieces)

    async def read(self, _raw: Raw) -> Document:
        return Document("", self._pieces)


def split(*files: Path) -> list[Piece]:
    raws = (Raw(file.read_bytes(), "text/markdown", file.name) for file in files)
    return [piece for raw in raws for piece in pieces_of(read_markdown(raw), None)]


def kinds(count: int) -> dict[str, list[Piece]]:
    """What is indexed: about so many passages of each, and four times as many short ones."""
    flowing = Raw(text(count * LONG).encode(), "text/plain")
    every = {
        LABELLED: split(*sorted(FOLDER.glob("*.md"))),
        "this project's documentation": split(*sorted((ROOT / "docs").rglob("*.md"))),
        "flowing text": list(pieces_of(read_text(flowing), None)),
    }
    counts = (4 * count, count, count)
    return {
        name: random.Random(name).sample(pieces, min(most, len(pieces)))
        for (name, pieces), most in zip(every.items(), counts, strict=True)
    }


async def indexed(folder: Path, pieces: Sequence[Piece]) -> float:
    """Passages a second, after a few that warm everything up."""
    minilm = MiniLm(built())
    async with (
        open_store(f"sqlite:///{folder / 'bench.db'}") as store,
        open_lexicon() as lexicon,
        open_vectors(folder, None, SystemClock()) as vectors,
    ):
        account = an_account()
        avatar = an_avatar(account)
        await store.write(lambda tx: begin(tx, account, avatar))
        for some in (pieces[:2], pieces):
            source = DocumentSource(FakeFetcher(), FakeRobots(), SplitAlready(some))
            ports = IndexingPorts(SystemClock(), store, lexicon, FakeEmbedders(minilm), vectors, MemoryNews(), source)
            item = an_item(avatar, status=KnowledgeStatus.QUEUED, generation=0, passage_count=0, languages=())
            await store.write(partial(add, item))
            began = time.perf_counter()
            await build(ports, avatar.id, item.id)
            seconds = time.perf_counter() - began
    await minilm.close()
    return len(pieces) / seconds


def begin(tx: Tx, account: Account, avatar: Avatar) -> None:
    tx.accounts.add(account)
    tx.avatars.add(avatar)


def add(item: KnowledgeItem, tx: Tx) -> None:
    tx.knowledge.add(item, b"-")


def indexed_by_chroma(folder: Path, texts: Sequence[str]) -> float:
    import chromadb
    from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2

    class Local(ONNXMiniLM_L6_V2):
        DOWNLOAD_PATH = folder / "weights"

    shutil.copytree(PACKAGE, folder / "weights" / "onnx", ignore=shutil.ignore_patterns("*.safetensors"))
    shutil.copy(built() / MODEL_FILE, folder / "weights" / "onnx")
    collection = chromadb.PersistentClient(folder / "plain").create_collection("plain", embedding_function=Local())  # type: ignore[arg-type]
    collection.add(ids=["warm", "up"], documents=list(texts[:2]))
    start = time.perf_counter()
    collection.add(ids=[str(place) for place in range(len(texts))], documents=list(texts))
    return len(texts) / (time.perf_counter() - start)


async def embedded(texts: Sequence[str]) -> float:
    """Texts a second, after a few that warm everything up."""
    minilm = MiniLm(built())
    await minilm.embed(texts[:2])
    began = time.perf_counter()
    await minilm.embed(texts)
    seconds = time.perf_counter() - began
    await minilm.close()
    return len(texts) / seconds


async def indexing(folder: Path, name: str, pieces: Sequence[Piece], rounds: int, target: Target | None) -> Row:
    """The better round of each, which take turns."""
    ours, floor, peer = 0.0, 0.0, 0.0
    texts = ["\n".join(part for part in (piece.title, piece.heading, piece.text) if part) for piece in pieces]
    for number in range(rounds):
        one, other = folder / f"ours-{number}", folder / f"peer-{number}"
        one.mkdir(parents=True)
        ours = max(ours, await indexed(one, pieces))
        floor = max(floor, await embedded(texts))
        peer = max(peer, await asyncio.to_thread(indexed_by_chroma, other, texts))
    words = median(len(each.split()) for each in texts)
    title = f"indexing {name}, {words:.0f} words a passage"
    return Row(title, ours, "passages/s", floor, peer, target)


async def measure(scale: Scale) -> list[Row]:
    chosen = kinds(scale.passages_indexed)
    with tempfile.TemporaryDirectory() as folder:
        return [
            await indexing(Path(folder) / name, name, pieces, scale.rounds, TARGETS.get(name))
            for name, pieces in chosen.items()
        ]
