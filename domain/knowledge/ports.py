"""The ports of knowledge: its tables within a transaction, and what reads, embeds and keeps it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from domain.knowledge.items import KnowledgeEvent, Match, Passage
from domain.knowledge.reading import Document, Raw


class Fetcher(Protocol):
    """Fetches what a user's URL names; never from an address that is not on the public internet."""

    async def fetch(self, url: str, media_types: Sequence[str], max_bytes: int) -> Raw:
        """The body at the address, after at most a few redirects. `Raw.url` is where it was found.

        `media_types` are those accepted, such as `text/html`; an empty one accepts all. Raises `Unreadable`.
        """
        ...


class Robots(Protocol):
    """What sites ask of crawlers. Both raise `Unreadable` when the site cannot be asked: it may not be read then."""

    async def allows(self, url: str) -> bool:
        """Whether the site's robots.txt lets this server read the address."""
        ...

    async def delay(self, url: str) -> float | None:
        """Seconds that the site wants between two pages; None when it does not say."""
        ...


class Reader(Protocol):
    """Reads text out of documents. It works outside of this process, within limits of time and memory."""

    async def read(self, raw: Raw) -> Document:
        """Raises `Unreadable`."""
        ...


class Lexicon(Protocol):
    """Cuts passages into the terms that the search by words finds them by. It works outside of this process."""

    async def terms(self, passages: Sequence[Passage]) -> list[str]:
        """Those of each passage as one text, in the passages' order. Raises `Unavailable`."""
        ...


Vector = Sequence[float]


class Embedder(Protocol):
    """One model that turns texts into vectors of length one, such that near meanings are near vectors."""

    @property
    def model(self) -> str:
        """The model's name, which is stored with what it made."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text, in their order. Raises `Unavailable`."""
        ...


class Embedders(Protocol):
    def current(self) -> Embedder | None:
        """The model that new vectors are made with; None while there is none."""
        ...

    def named(self, model: str) -> Embedder | None:
        """An older model that can still be asked."""
        ...


class Vectors(Protocol):
    """The vectors of passages, of one model for each avatar at a time, or of two while one replaces the other."""

    async def is_empty(self) -> bool:
        """Whether there is nothing at all, as when its disk was lost. Raises `Unavailable`, as the others do."""
        ...

    async def put(self, avatar_id: str, model: str, item_id: str, vectors: Mapping[str, Vector]) -> None:
        """Stores vectors by passage id; those that are there already are replaced."""
        ...

    async def missing(self, avatar_id: str, model: str, passage_ids: Sequence[str]) -> list[str]:
        """Those of the given ids that have no vector of this model."""
        ...

    async def nearest(self, avatar_id: str, model: str, vector: Vector, limit: int) -> list[Match]:
        """The nearest passages, scored with the cosine of the angle between, best first."""
        ...

    async def keep_only(self, avatar_id: str, item_id: str, passage_ids: Sequence[str]) -> None:
        """Removes all other vectors of the item, of every model."""
        ...

    async def remove_model(self, avatar_id: str, model: str) -> None: ...
    async def remove_avatar(self, avatar_id: str) -> None:
        """Leaves nothing of it on the disk."""
        ...


class KnowledgeNews(Protocol):
    """What happens to the items of an avatar, told to whoever watches."""

    def publish(self, event: KnowledgeEvent) -> None: ...
    def follow(self, avatar_id: str) -> AbstractAsyncContextManager[AsyncIterator[KnowledgeEvent]]:
        """Events from the moment of entering on. A watcher who is slow gets only the latest one of each item."""
        ...
