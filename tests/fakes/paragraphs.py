"""A reader that shows what indexing needs of a document: titles, links, and how long it takes."""

import asyncio
import re

from domain.knowledge.ports import Reader
from domain.knowledge.reading import Document, FailureCode, Piece, Raw, Unreadable


class ParagraphReader(Reader):
    """Each paragraph is a piece; a first line that begins with `# ` is the title; `<…>` is a link.

    A test may close the `gate`, for readings to wait before it, or have a `surprise` raised.
    """

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.readings = 0
        self.surprise: str | None = None

    async def read(self, raw: Raw) -> Document:
        self.readings += 1
        await self.gate.wait()
        if self.surprise:
            raise RuntimeError(self.surprise)
        try:
            text = raw.body.decode()
        except UnicodeDecodeError:
            raise Unreadable(FailureCode.UNSUPPORTED_TYPE) from None
        paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
        if not paragraphs:
            raise Unreadable(FailureCode.EMPTY)
        title = paragraphs[0].removeprefix("# ") if paragraphs[0].startswith("# ") else ""
        pieces = tuple(Piece(each, title=title, language="en") for each in paragraphs)
        return Document(title, pieces, tuple(re.findall(r"<(\S+)>", text)))
