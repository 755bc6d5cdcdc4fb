"""Reading what an item names: its own body, a page, or the pages of a site."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from domain.knowledge.crawling import Frontier, Step, pause
from domain.knowledge.items import Crawl, KnowledgeItem, KnowledgeType
from domain.knowledge.ports import Fetcher, Reader, Robots
from domain.knowledge.reading import BODY_MAX_BYTES, PIECES_MAX, Document, FailureCode, Piece, Raw, Unreadable

PAGES = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown")
DOCUMENTS = (
    *PAGES,
    "application/pdf",
    "text/csv",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
)

SITE_SECONDS = 1200.0

Told = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """Where the text of items comes from. `pause`: seconds between two pages, by what the site asks for.

    `site_seconds`: how long a site may take in all.
    """

    fetcher: Fetcher
    robots: Robots
    reader: Reader
    pause: Callable[[float | None], float] = pause
    site_seconds: float = SITE_SECONDS

    async def document(self, item: KnowledgeItem, body: bytes | None, told: Told) -> Document:
        """What the item says. `told` hears how many of a site's pages are read. Raises `Unreadable`."""
        match item.type:
            case KnowledgeType.SITE:
                return await self._site(item, told)
            case KnowledgeType.URL:
                return await self._page(item.url or "")
            case _:
                return await self._body(item, body or b"")

    async def _body(self, item: KnowledgeItem, body: bytes) -> Document:
        document = await self.reader.read(Raw(body, item.media_type or "text/markdown", item.file_name))
        if item.question is None:
            return document
        pieces = tuple(replace(piece, title=item.question) for piece in document.pieces)
        return replace(document, pieces=pieces)

    async def _page(self, url: str) -> Document:
        raw = await self.fetcher.fetch(url, DOCUMENTS, BODY_MAX_BYTES)
        document = await self.reader.read(raw)
        return replace(document, pieces=tuple(replace(piece, url=raw.url) for piece in document.pieces))

    async def _site(self, item: KnowledgeItem, told: Told) -> Document:
        """A page that cannot be read is passed over; the first one's failure counts when none can.

        What was read counts when the time is over, or there are as many passages as a document may have.
        """
        frontier = Frontier(item.url or "", item.crawl or Crawl())
        pages: list[Document] = []
        failures: list[Unreadable] = []
        try:
            async with asyncio.timeout(self.site_seconds):
                await self._crawl(frontier, told, pages, failures)
        except TimeoutError:
            failures.append(Unreadable(FailureCode.UNREACHABLE))
        if not pages:
            raise failures[0] if failures else Unreadable(FailureCode.EMPTY)
        pieces = tuple(piece for page in pages for piece in page.pieces)
        return Document(pages[0].title, in_known_languages(pieces))

    async def _crawl(self, frontier: Frontier, told: Told, pages: list[Document], failures: list[Unreadable]) -> None:
        while sum(len(page.pieces) for page in pages) < PIECES_MAX and (step := frontier.next()):
            await told(len(pages), frontier.expected)
            try:
                pages += await self._step(frontier, step)
            except Unreadable as error:
                failures.append(error)
                frontier.skipped()
            await asyncio.sleep(await self._pause(step))

    async def _pause(self, step: Step) -> float:
        try:
            return self.pause(await self.robots.delay(step.url))
        except Unreadable:
            return self.pause(None)

    async def _step(self, frontier: Frontier, step: Step) -> list[Document]:
        """The page of a step, or nothing where it leads to one that is not to be read."""
        if not await self.robots.allows(step.url):
            raise Unreadable(FailureCode.ROBOTS)
        raw = await self.fetcher.fetch(step.url, PAGES, BODY_MAX_BYTES)
        landed = frontier.arrived(step, raw.url or step.url)
        if landed is None:
            frontier.skipped()
            return []
        page = await self.reader.read(raw)
        frontier.found(landed, page.links)
        pieces = tuple(replace(piece, url=landed.url, title=page.title or piece.title) for piece in page.pieces)
        return [replace(page, pieces=pieces)]


def in_known_languages(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """A page too short to tell its language is taken to be in that of the first one where it can be told."""
    usual = next((piece.language for piece in pieces if piece.language), "")
    return tuple(replace(piece, language=piece.language or usual) for piece in pieces)
