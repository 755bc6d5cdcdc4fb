"""A reader of plain text only: a passage a paragraph."""

from domain.knowledge.ports import Reader
from domain.knowledge.reading import BODY_MAX_BYTES, Document, FailureCode, Piece, Raw, Unreadable


class FakeReader(Reader):
    async def read(self, raw: Raw) -> Document:
        if len(raw.body) > BODY_MAX_BYTES:
            raise Unreadable(FailureCode.TOO_LARGE)
        if b"\x00" in raw.body:
            raise Unreadable(FailureCode.UNSUPPORTED_TYPE)
        text = raw.body.decode(errors="replace")
        pieces = [Piece(part.strip(), url=raw.url) for part in text.split("\n\n") if part.strip()]
        if not pieces:
            raise Unreadable(FailureCode.EMPTY)
        return Document("", tuple(pieces))
