"""The reading process: `python -m adapters.reading.worker MEMORY_BYTES CPU_SECONDS`.

It reads one document after another from its standard input until that is closed.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, BinaryIO

import orjson

from adapters.processes.giving_way import give_way
from adapters.reading.extract import Extract
from adapters.reading.frames import read_frame, write_frame
from adapters.reading.kinds import Kind, kind_of
from adapters.reading.limits import hold_to, leave_no_core
from domain.knowledge.reading import FailureCode, Piece, Raw, Unreadable

PIECES_A_FRAME = 32


def main() -> None:
    memory_bytes, cpu_seconds = map(int, sys.argv[1:])
    answers = _claim_output()
    give_way()
    leave_no_core()
    while (asked := read_frame(sys.stdin.buffer)) is not None:
        raw = Raw(body=read_frame(sys.stdin.buffer) or b"", **orjson.loads(asked))
        hold_to(memory_bytes, cpu_seconds)
        answer(raw, answers)


def _claim_output() -> BinaryIO:
    """The pipe to the server; whatever a parser prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def answer(raw: Raw, answers: BinaryIO) -> None:
    """Writes the document's pieces and what is known of it, or why it cannot be read."""
    try:
        for part in _parts(raw):
            write_frame(answers, orjson.dumps(part))
    except Exception as error:  # parsers of hostile files raise whatever they like
        write_frame(answers, orjson.dumps({"failure": _reason(error)}))


def _reason(error: Exception) -> FailureCode:
    if isinstance(error, Unreadable):
        return error.code
    return FailureCode.TOO_SLOW if isinstance(error, MemoryError) else FailureCode.BROKEN


def _parts(raw: Raw) -> Iterator[dict[str, Any]]:
    from adapters.reading.language import language_of
    from adapters.reading.pieces import pieces_of

    extract = _extract(raw)
    pieces = list(pieces_of(extract, extract.url or raw.url))
    if not any(character.isalnum() for piece in pieces for character in piece.text):
        raise Unreadable(FailureCode.EMPTY)
    language = language_of(pieces)
    remaining = (replace(piece, language=language) for piece in pieces)
    while batch := list(islice(remaining, PIECES_A_FRAME)):
        yield {"pieces": [_fields(piece) for piece in batch]}
    yield {"title": extract.title, "links": extract.links}


def _fields(piece: Piece) -> tuple[str, str, str, int | None, str | None, str]:
    return piece.text, piece.title, piece.heading, piece.page, piece.url, piece.language


def _extract(raw: Raw) -> Extract:
    """Each parser is loaded when its first document comes: they are large and slow to load."""
    match kind_of(raw):
        case Kind.PDF:
            from adapters.reading.pdf_pages import read_pdf as read
        case Kind.DOCX:
            from adapters.reading.word import read_docx as read
        case Kind.HTML:
            from adapters.reading.web_page import read_html as read
        case Kind.CSV:
            from adapters.reading.table_rows import read_csv as read
        case Kind.MARKDOWN:
            from adapters.reading.plain import read_markdown as read
        case Kind.TEXT:
            from adapters.reading.plain import read_text as read
    return read(raw)


if __name__ == "__main__":
    main()
