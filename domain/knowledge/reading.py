"""What is read out of documents, and why it sometimes cannot be."""

from dataclasses import dataclass, field
from enum import StrEnum

BODY_MAX_BYTES = 10 * 1024 * 1024
PDF_PAGES_MAX = 50
PIECES_MAX = 20_000
"""Of a document. A site is not read on from so many."""


class FailureCode(StrEnum):
    """Why an item could not be indexed. `REASONS` tells the owner what to do about it."""

    NOT_FOUND = "not_found"
    UNREACHABLE = "unreachable"
    FORBIDDEN_ADDRESS = "forbidden_address"
    REFUSED = "refused"
    ROBOTS = "robots"
    TOO_LARGE = "too_large"
    TOO_MANY_PAGES = "too_many_pages"
    UNSUPPORTED_TYPE = "unsupported_type"
    ENCRYPTED = "encrypted"
    SCANNED = "scanned"
    NEEDS_JAVASCRIPT = "needs_javascript"
    EMPTY = "empty"
    BROKEN = "broken"
    TOO_SLOW = "too_slow"
    INTERNAL = "internal"


REASONS = {
    FailureCode.NOT_FOUND: "The address answers that there is no such page. Check the URL.",
    FailureCode.UNREACHABLE: "The address cannot be reached right now. Check the URL and index it again later.",
    FailureCode.FORBIDDEN_ADDRESS: "The address is not on the public internet. Give one that every browser can reach.",
    FailureCode.REFUSED: "The site refused to show the page to this server. Paste its text, or upload it as a file.",
    FailureCode.ROBOTS: "The site's robots.txt forbids this page or is unreadable. Paste its text if it is yours.",
    FailureCode.TOO_LARGE: "It is larger than 10 MB. Split it into smaller files.",
    FailureCode.TOO_MANY_PAGES: f"The PDF has more than {PDF_PAGES_MAX} pages. Split it into smaller files.",
    FailureCode.UNSUPPORTED_TYPE: "This kind of file cannot be read. Use PDF, DOCX, TXT, MD, HTML or CSV.",
    FailureCode.ENCRYPTED: "The file is locked with a password. Upload it without one.",
    FailureCode.SCANNED: "The PDF has pictures of text but no text. Run text recognition (OCR) on it first.",
    FailureCode.NEEDS_JAVASCRIPT: "The page shows its text only with JavaScript. Paste its text instead.",
    FailureCode.EMPTY: "There is no text in it.",
    FailureCode.BROKEN: "The file is damaged, or is not what its name says. Save it again and upload it.",
    FailureCode.TOO_SLOW: "Reading it takes too much time or memory. Split it into smaller files.",
    FailureCode.INTERNAL: "Something went wrong on our side. Index it again; if it stays so, report it.",
}


class Unreadable(Exception):
    """What reading an item raises; `code` is shown to the owner. Nothing of the item's text is in it.

    `passing`: the same item may be readable later, as what cannot be reached always may.
    """

    def __init__(self, code: FailureCode, *, passing: bool = False) -> None:
        super().__init__(code)
        self.code, self.passing = code, passing or code is FailureCode.UNREACHABLE


@dataclass(frozen=True, slots=True)
class Piece:
    """One passage as it comes out of a document. `page` counts from 1 within a PDF.

    `heading` is the path of headings that it stands under, outermost first, joined with " > ".
    `language` is an ISO 639-1 code, or "" where it cannot be told.
    """

    text: str = field(repr=False)
    title: str = ""
    heading: str = ""
    page: int | None = None
    url: str | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class Raw:
    """A document as it came: fetched from `url`, uploaded as `name`, or pasted.

    `media_type` is as the site or the browser declares it, a charset included where it does.
    """

    body: bytes = field(repr=False)
    media_type: str
    name: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """What was read out of a raw document: its passages, and the addresses that it links to."""

    title: str
    pieces: tuple[Piece, ...] = field(repr=False)
    links: tuple[str, ...] = field(default=(), repr=False)
