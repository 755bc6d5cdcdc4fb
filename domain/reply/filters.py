"""Filters of a reply's words, and how a list of them becomes one."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from domain.reply.pieces import Piece, Words


class Filter(Protocol):
    """Takes something out of text that arrives in parts of any size, and tells what it took."""

    def feed(self, text: str) -> str:
        """The words that are certain to pass; what may still be taken out is held back."""
        ...

    def flush(self) -> str:
        """What was held back when the text ended."""
        ...

    def taken(self) -> Sequence[Piece]:
        """What was taken out since this was last asked."""
        ...


async def filtered(pieces: AsyncGenerator[Piece], filters: Sequence[Filter]) -> AsyncGenerator[Piece]:
    """The pieces with their words passed through each filter in turn; what was taken out of words comes before them.

    What the filters hold back is given when the pieces end, and lost when they fail.
    """
    async with aclosing(pieces):
        async for piece in pieces:
            if not isinstance(piece, Words):
                yield piece
                continue
            text = piece.text
            for each in filters:
                text = each.feed(text)
            for taken in taken_by(filters):
                yield taken
            if text:
                yield piece if text is piece.text else Words(text)
    rest = flushed(filters)
    for taken in taken_by(filters):
        yield taken
    if rest:
        yield Words(rest)


def flushed(filters: Sequence[Filter]) -> str:
    """What each held back, through those behind it."""
    text = ""
    for each in filters:
        text = each.feed(text) + each.flush()
    return text


def taken_by(filters: Sequence[Filter]) -> list[Piece]:
    return [piece for each in filters for piece in each.taken()]
