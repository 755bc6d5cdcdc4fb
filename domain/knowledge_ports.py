"""The ports of knowledge: its tables within a transaction, and what reads, embeds and keeps it."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from domain.jobs import Job
from domain.knowledge import KnowledgeEvent, KnowledgeItem, KnowledgeTotals, Match, Passage
from domain.reading import Document, Raw


class Knowledge(Protocol):
    def by_id(self, avatar_id: str, item_id: str) -> KnowledgeItem | None: ...
    def by_ids(self, avatar_id: str, item_ids: Collection[str]) -> list[KnowledgeItem]:
        """Those of the given ids that the avatar has, in any order."""
        ...

    def of_account(self, account_id: str, item_id: str) -> KnowledgeItem | None:
        """An item of one of the account's avatars."""
        ...

    def of_avatar(self, avatar_id: str) -> list[KnowledgeItem]:
        """Newest first."""
        ...

    def page(self, avatar_id: str, first: int, after: str | None) -> list[KnowledgeItem]:
        """Newest first; those after the item with the id `after`. At most `first`."""
        ...

    def totals(self, account_id: str) -> KnowledgeTotals:
        """What the account's avatars know by now, items that are still queued included."""
        ...

    def model(self, avatar_id: str) -> str | None:
        """The embedding model whose vectors the avatar is searched with; None for words alone."""
        ...

    def without_model(self, model: str) -> list[str]:
        """The avatars that have live passages and are not searched with the vectors of this model."""
        ...

    def use_model(self, avatar_id: str, model: str | None) -> None: ...
    def forget_models(self) -> None:
        """Every avatar is searched by words alone from now on."""
        ...

    def add(self, item: KnowledgeItem, body: bytes | None) -> None:
        """`body` is what was pasted or uploaded; None for what is fetched."""
        ...

    def body(self, item_id: str) -> bytes | None: ...
    def update(self, item: KnowledgeItem) -> None:
        """Stores all but the body. Does nothing for an item that was deleted meanwhile."""
        ...

    def replace_body(self, item_id: str, body: bytes) -> None: ...
    def delete(self, item_id: str) -> None:
        """Deletes it with its body, its passages of every generation, and their search index."""
        ...


class Passages(Protocol):
    """Searches see live passages only: those of their item's own generation."""

    def add(self, passages: Sequence[Passage], terms: Sequence[str]) -> None:
        """Adds passages of a generation that is being built, each with what the `Lexicon` says of it."""
        ...

    def of_generation(self, item_id: str, generation: int) -> list[Passage]:
        """By position."""
        ...

    def page(self, item_id: str, first: int, after: int) -> list[Passage]:
        """The live ones with a position greater than `after` (-1 for the beginning), by position."""
        ...

    def live(self, passage_ids: Sequence[str]) -> list[Passage]:
        """Those of the given ids that are live, in the given order."""
        ...

    def live_ids(self, avatar_id: str) -> list[str]: ...
    def around(self, passage_ids: Sequence[str], reach: int) -> list[tuple[Passage, list[Passage]]]:
        """Those of the given ids that are live, in the given order, each with its neighbours.

        These are the passages of its item at most `reach` positions away, itself included, by position.
        """
        ...

    def languages(self, avatar_id: str) -> list[str]: ...
    def matching(self, avatar_id: str, question: str, limit: int) -> list[Match]:
        """Lexical search: the live passages that share words with the question, best first.

        Words count by their stems in the avatar's languages, and rare words count more. The score is the
        BM25 sum over the question's words, divided by the greatest that it could be: 0 when no word is
        found, near 1 when each is found often. Words that no passage has count in the divisor.
        """
        ...

    def keep_only(self, item_id: str, generation: int) -> None:
        """Deletes the item's passages of all other generations."""
        ...


class Jobs(Protocol):
    def add(self, job: Job) -> None:
        """Does nothing when the same kind of job for the same item or avatar waits already."""
        ...

    def claim(self, worker: str, now: datetime, leased_until: datetime) -> Job | None:
        """Leases the oldest job that is due and that nobody holds; no two jobs of one avatar run at once."""
        ...

    def renew(self, job_id: str, worker: str, leased_until: datetime) -> bool:
        """Whether the worker still held it."""
        ...

    def retry(self, job_id: str, worker: str, run_after: datetime) -> None:
        """Gives the lease back, to be claimed again later."""
        ...

    def finish(self, job_id: str, worker: str) -> None: ...
    def is_empty(self) -> bool: ...


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
