"""Blocks to passages: those that fit together are joined, those that are too long are cut."""

import re
from collections.abc import Iterable, Iterator

from semantic_text_splitter import TextSplitter

from adapters.reading.extract import Block, Extract, Shape
from domain.knowledge.reading import PIECES_MAX, FailureCode, Piece, Unreadable

LONGEST = 1100
WANTED = 900
WINDOW = 4000
# The end of a line that its writer broke to fit a column. The splitter prefers to cut there, amid a sentence.
BROKEN_LINE = re.compile(r"(?<=[^\n]{50})\n(?!\s|[-*+>•]|\d+[.)]\s)")

_splitter = TextSplitter((WANTED, LONGEST))


def pieces_of(extract: Extract, url: str | None) -> Iterator[Piece]:
    """At most `LONGEST` characters each, none empty. Raises `Unreadable` when there are too many."""
    for count, block in enumerate(_packed(extract.blocks)):
        if count == PIECES_MAX:
            raise Unreadable(FailureCode.TOO_LARGE)
        yield Piece(block.text, extract.title, _below(extract.title, block.heading), block.page, url)


def _below(title: str, heading: str) -> str:
    """A document's title is often its first heading too; once is enough."""
    return heading.removeprefix(title).removeprefix(" > ") if f"{heading} > ".startswith(f"{title} > ") else heading


def _packed(blocks: Iterable[Block]) -> Iterator[Block]:
    """Neighbours under the same heading on the same page share a passage while they fit."""
    texts: list[str] = []
    size = 0
    last: Block | None = None
    for block in _cut(blocks):
        joint = 1 if last and last.shape is block.shape is Shape.LINES else 2
        if last and (
            (block.heading, block.page) != (last.heading, last.page) or size + joint + len(block.text) > LONGEST
        ):
            yield Block("".join(texts), heading=last.heading, page=last.page)
            texts, size, last = [], 0, None
        texts.append("\n" * joint + block.text if last else block.text)
        size += len(texts[-1])
        last = block
    if last:
        yield Block("".join(texts), heading=last.heading, page=last.page)


def _cut(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        for text in [block.text] if len(block.text) <= LONGEST else _cut_text(block):
            if text.strip():
                yield Block(text, block.shape, block.heading, block.page)


def _cut_text(block: Block) -> Iterator[str]:
    if block.shape is Shape.PROSE:
        return _cut_prose(block.text)
    lines = block.text.split("\n")
    head = "\n".join(lines[:2]) + "\n" if block.shape is Shape.TABLE else ""
    if len(head) > LONGEST // 3:
        head = ""
    return _cut_lines(lines[2:] if head else lines, head)


def _cut_lines(lines: list[str], head: str) -> Iterator[str]:
    """Whole lines, with the head above each part."""
    part = ""
    for line in lines:
        if part and len(head) + len(part) + 1 + len(line) > LONGEST:
            yield head + part
            part = ""
        if len(head) + len(line) > LONGEST:
            yield from _cut_prose(line)
        else:
            part = f"{part}\n{line}" if part else line
    if part:
        yield head + part


def _cut_prose(text: str) -> Iterator[str]:
    """The splitter's time grows with the square of a sentence's length, so that it sees a window at a time."""
    seen, begun = BROKEN_LINE.sub(" ", text), 0
    while begun < len(text):
        parts = _splitter.chunk_indices(seen[begun : begun + WINDOW])
        # The window's end may have cut the last part short: it begins the next one.
        goes_on = begun + WINDOW < len(text) and len(parts) > 1
        step = parts.pop()[0] if goes_on else WINDOW
        yield from (text[begun + start : begun + start + len(part)] for start, part in parts)
        begun += step
