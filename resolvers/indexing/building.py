"""Building the next generation of an item beside the live one, so that nobody ever reads half an item.

Each step can be done again: passages and vectors have the same ids whenever they are made.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from domain.errors import Unavailable
from domain.knowledge.items import TITLE_MAX, KnowledgeItem, KnowledgeProgress, KnowledgeStatus, Passage, passage_id
from domain.knowledge.jobs import embed_job
from domain.knowledge.ports import Embedder, Embedders, KnowledgeNews, Lexicon, Vectors
from domain.knowledge.reading import Document, FailureCode, Unreadable
from domain.ports import Clock
from domain.tables import Store, Tx
from resolvers.indexing.source import DocumentSource

T = TypeVar("T")
STORED_AT_ONCE = 20
EMBEDDED_AT_ONCE = 64
TOLD_EVERY = 0.25


class Gone(Exception):
    """The item was deleted meanwhile, or was given new content."""


@dataclass(frozen=True, slots=True)
class IndexingPorts:
    """The ports that indexing needs."""

    clock: Clock
    store: Store
    lexicon: Lexicon
    embedders: Embedders
    vectors: Vectors
    news: KnowledgeNews
    source: DocumentSource


async def build(ports: IndexingPorts, avatar_id: str, item_id: str) -> None:
    """Brings an item's next generation to life. Raises `Unreadable`, `Unavailable` and `Gone`."""
    building = Building(ports, avatar_id, item_id)
    if not await building.is_live():
        passages = await building.passages()
        embedder = await building.embed(passages)
        await building.go_live(passages, embedder)
    await building.clear_vectors()


async def embed_avatar(ports: IndexingPorts, avatar_id: str) -> None:
    """Gives all live passages of an avatar the current model's vectors, then searches with these."""
    embedder = ports.embedders.current()
    if embedder is None:
        return
    while missing := await missing_of_avatar(ports, avatar_id, embedder.model):
        await embed_some(ports, embedder, missing[:EMBEDDED_AT_ONCE])
    before = await ports.store.write(lambda tx: change_model(tx, avatar_id, embedder.model))
    if before not in (None, embedder.model):
        await ports.vectors.remove_model(avatar_id, before)


async def embed_some(ports: IndexingPorts, embedder: Embedder, passage_ids: Sequence[str]) -> None:
    passages = await ports.store.read(lambda tx: tx.passages.live(passage_ids))
    if passages:
        await put(ports, embedder, passages)


async def missing_of_avatar(ports: IndexingPorts, avatar_id: str, model: str) -> list[str]:
    live = await ports.store.read(lambda tx: tx.passages.live_ids(avatar_id))
    return await ports.vectors.missing(avatar_id, model, live)


def change_model(tx: Tx, avatar_id: str, model: str) -> str | None:
    """Returns the model from before."""
    before = tx.knowledge.model(avatar_id)
    if tx.passages.has_any(avatar_id):
        tx.knowledge.use_model(avatar_id, model)
    return before


async def put(ports: IndexingPorts, embedder: Embedder, passages: Sequence[Passage]) -> None:
    """Passages of one avatar."""
    vectors = await embedder.embed([passage.indexed_text for passage in passages])
    by_item: dict[str, dict[str, Any]] = {}
    for passage, vector in zip(passages, vectors, strict=True):
        by_item.setdefault(passage.item_id, {})[passage.id] = vector
    for item_id, of_item in by_item.items():
        await ports.vectors.put(passages[0].avatar_id, embedder.model, item_id, of_item)


class Building:
    """One item's generation in the making."""

    def __init__(self, ports: IndexingPorts, avatar_id: str, item_id: str) -> None:
        self._ports, self._avatar_id, self._item_id = ports, avatar_id, item_id
        self._told_at = 0.0
        self._begun = False

    async def is_live(self) -> bool:
        """Whether an earlier attempt brought it to life, and died before it was done."""
        return (await self._ports.store.read(self._item)).status is KnowledgeStatus.READY

    async def passages(self) -> list[Passage]:
        """Those that an earlier attempt has stored, if it stored them all; else read anew."""
        item = await self._ports.store.read(self._item)
        stored = await self._ports.store.read(lambda tx: tx.passages.of_generation(item.id, item.generation + 1))
        if item.status is KnowledgeStatus.INDEXING and stored and len(stored) == item.total:
            self._begun = True
            return stored
        await self._ports.store.write(lambda tx: tx.passages.keep_only(item.id, item.generation))
        await self.clear_vectors()
        item = await self._change(status=KnowledgeStatus.FETCHING, failure=None, done=0, total=0)
        self._begun = True
        body = await self._ports.store.read(lambda tx: tx.knowledge.body(item.id))
        document = await self._ports.source.document(item, body, self._pages_read)
        return await self._store(document, await asyncio.to_thread(passages_of, item, document))

    async def _store(self, document: Document, passages: Sequence[Passage]) -> list[Passage]:
        if not passages:
            raise Unreadable(FailureCode.EMPTY)
        for some in batches(passages, STORED_AT_ONCE):
            terms = await self._ports.lexicon.terms(some)
            await self._ports.store.write(partial(self._add, passages=some, terms=terms))
        if document.title:
            await self._ports.store.write(partial(self._entitle, title=document.title[:TITLE_MAX]))
        await self._change(status=KnowledgeStatus.INDEXING, done=0, total=len(passages))
        return list(passages)

    def _entitle(self, tx: Tx, title: str) -> None:
        """A page that its owner gave no title has its own."""
        item = self._item(tx)
        if item.title == item.url:
            tx.knowledge.update(replace(item, title=title))

    def _add(self, tx: Tx, passages: Sequence[Passage], terms: Sequence[str]) -> None:
        self._item(tx)
        tx.passages.add(passages, terms)

    async def clear_vectors(self) -> None:
        """Removes all but the live generation's, since a new attempt takes up the ids of one that came to nothing."""
        item = await self._ports.store.read(self._stored)
        live = await self._ports.store.read(lambda tx: tx.passages.of_generation(item.id, item.generation))
        await self._ports.vectors.keep_only(item.avatar_id, item.id, [passage.id for passage in live])

    async def embed(self, passages: Sequence[Passage]) -> Embedder | None:
        """With the model that the avatar is searched with, or else with the current one; None without any."""
        ports = self._ports
        model = await ports.store.read(lambda tx: tx.knowledge.model(self._avatar_id))
        embedder = (ports.embedders.named(model) if model else None) or ports.embedders.current()
        if embedder is None:
            return None
        ids = [passage.id for passage in passages]
        missing = set(await ports.vectors.missing(self._avatar_id, embedder.model, ids))
        done = len(passages) - len(missing)
        for some in batches([passage for passage in passages if passage.id in missing], EMBEDDED_AT_ONCE):
            await put(ports, embedder, some)
            done += len(some)
            await self._indexed(done)
        return embedder

    async def go_live(self, passages: Sequence[Passage], embedder: Embedder | None) -> None:
        ports, now = self._ports, self._ports.clock.now()
        languages = tuple(sorted({passage.language for passage in passages}))

        def switch(tx: Tx) -> KnowledgeItem:
            item = self._item(tx)
            # Read first: then other items of the avatar go live before or after this one, and not meanwhile.
            model = tx.knowledge.model(item.avatar_id)
            others = len(tx.passages.live_ids(item.avatar_id)) > item.passage_count
            ready = replace(
                item,
                status=KnowledgeStatus.READY,
                failure=None,
                generation=item.generation + 1,
                passage_count=len(passages),
                done=len(passages),
                total=len(passages),
                languages=languages,
                updated_at=now,
            )
            tx.knowledge.update(ready)
            tx.passages.keep_only(item.id, ready.generation)
            if embedder is None:
                # The new passages have no vectors, so that the avatar must be taken up when there is a model again.
                tx.knowledge.use_model(item.avatar_id, None)
            elif model != embedder.model:
                if others:
                    tx.jobs.add(embed_job(item.avatar_id, now))
                else:
                    tx.knowledge.use_model(item.avatar_id, embedder.model)
            return ready

        item = await ports.store.write(switch)
        ports.news.publish(KnowledgeProgress(item))
        if embedder is None and ports.embedders.current():
            # Whoever took up that model may have looked before this item was live.
            await ports.store.write(lambda tx: tx.jobs.add(embed_job(item.avatar_id, now)))

    async def _pages_read(self, done: int, total: int) -> None:
        """A crawl goes on though the database is away while it is told of."""
        if self._is_time():
            with suppress(Unavailable):
                await self._change(done=done, total=total)

    async def _indexed(self, done: int) -> None:
        if self._is_time():
            await self._change(done=done)

    def _is_time(self) -> bool:
        now = self._ports.clock.monotonic()
        if now - self._told_at < TOLD_EVERY:
            return False
        self._told_at = now
        return True

    async def _change(self, **changes: Any) -> KnowledgeItem:
        """Changes only what is named, since the owner may change the rest meanwhile, and tells the watchers."""
        now = self._ports.clock.now()

        def change(tx: Tx) -> KnowledgeItem:
            item = replace(self._item(tx), **changes, updated_at=now)
            tx.knowledge.update(item)
            return item

        item = await self._ports.store.write(change)
        self._ports.news.publish(KnowledgeProgress(item))
        return item

    def _item(self, tx: Tx) -> KnowledgeItem:
        """Whoever gives the item new content queues it again: then this work is for nothing."""
        item = self._stored(tx)
        if self._begun and item.status not in (KnowledgeStatus.FETCHING, KnowledgeStatus.INDEXING):
            raise Gone
        return item

    def _stored(self, tx: Tx) -> KnowledgeItem:
        item = tx.knowledge.by_id(self._avatar_id, self._item_id)
        if item is None:
            raise Gone
        return item


def passages_of(item: KnowledgeItem, document: Document) -> list[Passage]:
    generation = item.generation + 1
    return [
        Passage(
            id=passage_id(item.id, generation, position),
            avatar_id=item.avatar_id,
            item_id=item.id,
            generation=generation,
            position=position,
            text=piece.text,
            title=piece.title or item.title,
            heading=piece.heading,
            page=piece.page,
            url=piece.url,
            language=piece.language,
        )
        for position, piece in enumerate(document.pieces)
    ]


def batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (values[start : start + size] for start in range(0, len(values), size))
