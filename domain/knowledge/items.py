"""What an avatar knows: the items its owner adds, and the passages they are split into.

An item's bytes are fetched or given, their text is split into passages, and the passages are indexed.
Passages belong to a *generation* of their item. One generation is live, or none; a new one is built beside
it and takes its place within one transaction, so that nobody ever reads half an item.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from domain.errors import BadRequest
from domain.knowledge.reading import REASONS, FailureCode

TITLE_MAX = 300
URL_MAX = 2000
QUESTION_MAX = 1000
ANSWER_MAX = 10_000
CRAWL_PAGES_MAX = 50
CRAWL_DEPTH_MAX = 10
CRAWL_PATHS_MAX = 20
# Unseen, yet parts of Persian words, of emoji, and of lines that are written in two directions.
JOINERS = frozenset("\u200c\u200d\u200e\u200f\u061c")
PASSAGE_NAMES = UUID("4bd9c0e3-55ad-5d0c-9e0f-9d7d6a5ff0a1")


class KnowledgeType(StrEnum):
    TEXT = "text"
    URL = "url"
    FILE = "file"
    QA = "qa"
    SITE = "site"


class KnowledgeStatus(StrEnum):
    """`READY` and `FAILED` are at rest. An item that fails while an older generation is live stays usable."""

    QUEUED = "queued"
    FETCHING = "fetching"
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"

    @property
    def at_rest(self) -> bool:
        return self in (KnowledgeStatus.READY, KnowledgeStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Crawl:
    """Which pages of a site to read. A path matches when it starts with one of the given ones."""

    max_pages: int = CRAWL_PAGES_MAX
    max_depth: int = 3
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnowledgeItem:
    """`done` of `total` passages are indexed; while a site is fetched they count its pages.

    `generation` is the live one, 0 for none; `passage_count` counts its passages. `size` is in bytes.
    `file_name` and `media_type` are as uploaded. `question` belongs to a pair whose answer is its text.
    `languages` are those of the live passages, as ISO 639-1 codes; "" is one that is not known.
    """

    id: str
    avatar_id: str
    type: KnowledgeType
    title: str
    created_at: datetime
    updated_at: datetime
    size: int = 0
    url: str | None = None
    file_name: str | None = None
    media_type: str | None = None
    question: str | None = field(default=None, repr=False)
    crawl: Crawl | None = None
    status: KnowledgeStatus = KnowledgeStatus.QUEUED
    failure: FailureCode | None = None
    generation: int = 0
    passage_count: int = 0
    done: int = 0
    total: int = 0
    languages: tuple[str, ...] = ()

    @property
    def reason(self) -> str | None:
        """What went wrong and what the owner can do about it."""
        return REASONS[self.failure] if self.failure else None


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece in its place: `position` counts from 0 within the item's generation.

    `language` is an ISO 639-1 code, or "" where it is not known.
    """

    id: str
    avatar_id: str
    item_id: str
    generation: int
    position: int
    text: str = field(repr=False)
    title: str = ""
    heading: str = ""
    page: int | None = None
    url: str | None = None
    language: str = ""

    @property
    def indexed_text(self) -> str:
        """What is searched: the text below its title and headings."""
        return "\n".join(part for part in (self.title, self.heading, self.text) if part)


class Match(NamedTuple):
    """A passage that a search found. Greater scores are better; only scores of one search compare."""

    passage_id: str
    score: float


@dataclass(frozen=True, slots=True)
class KnowledgeProgress:
    item: KnowledgeItem


@dataclass(frozen=True, slots=True)
class KnowledgeDeleted:
    avatar_id: str
    item_id: str


KnowledgeEvent = KnowledgeProgress | KnowledgeDeleted


@dataclass(frozen=True, slots=True)
class KnowledgeTotals:
    """How many items and bytes of them an account may have over all its avatars."""

    items: int
    bytes: int


@dataclass(frozen=True, slots=True)
class KnowledgeCounts:
    """What an avatar knows in all. `model` made the vectors that it is searched with; None for words alone."""

    items: int
    unfinished: int
    failed: int
    passages: int
    bytes: int
    model: str | None


def passage_id(item_id: str, generation: int, position: int) -> str:
    """The same for the same place, so that work done twice leaves one passage."""
    return str(uuid5(PASSAGE_NAMES, f"{item_id}/{generation}/{position}"))


def check_title(title: str | None, otherwise: str) -> str:
    """One line; `otherwise` where the owner gave none. Raises `BadRequest`."""
    title = " ".join((title or "").split()) or one_line(otherwise)[:TITLE_MAX]
    if len(title) > TITLE_MAX:
        raise BadRequest.field("title", f"can have at most {TITLE_MAX} characters")
    if not title or title != one_line(title):
        raise BadRequest.field("title", "takes one line of text")
    return title


def one_line(text: str) -> str:
    """A space in the place of whatever cannot stand in a line."""
    return " ".join("".join(each if each.isprintable() or each in JOINERS else " " for each in text).split())


def check_url(url: str | None) -> str:
    """Raises `BadRequest`. Whether the address may be reached is found out when it is fetched."""
    url = (url or "").strip()
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known or len(url) > URL_MAX or any(character.isspace() for character in url) or not url.isprintable():
        raise BadRequest.field("url", f"takes an http or https address of at most {URL_MAX} characters")
    if urlsplit(url).username is not None:
        raise BadRequest.field("url", "cannot contain a user name or a password")
    return url


def check_crawl(crawl: Crawl) -> Crawl:
    """Raises `BadRequest`."""
    if not 1 <= crawl.max_pages <= CRAWL_PAGES_MAX:
        raise BadRequest.field("maxPages", f"takes 1 to {CRAWL_PAGES_MAX}")
    if not 0 <= crawl.max_depth <= CRAWL_DEPTH_MAX:
        raise BadRequest.field("maxDepth", f"takes 0 to {CRAWL_DEPTH_MAX}")
    for name, paths in (("includePaths", crawl.include), ("excludePaths", crawl.exclude)):
        if len(paths) > CRAWL_PATHS_MAX or any(not path.startswith("/") or len(path) > URL_MAX for path in paths):
            raise BadRequest.field(name, f"takes at most {CRAWL_PATHS_MAX} paths, each beginning with /")
    return crawl


def check_text(text: str, field_name: str, most: int) -> str:
    """Raises `BadRequest`. `most` is in bytes of UTF-8."""
    if not text.strip():
        raise BadRequest.field(field_name, "cannot be empty")
    if len(text.encode()) > most:
        raise BadRequest.field(field_name, f"can have at most {most} bytes")
    if "\x00" in text:
        raise BadRequest.field(field_name, "cannot contain a NUL character")
    return text
