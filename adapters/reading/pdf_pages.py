"""PDF, page by page."""

import io
import re
from collections.abc import Iterator

from pypdf import PageObject, PdfReader
from pypdf.errors import PdfReadError

from adapters.reading.characters import cleaned, one_line
from adapters.reading.extract import Block, Extract
from adapters.reading.plain import paragraphs
from domain.knowledge.items import TITLE_MAX
from domain.knowledge.reading import PDF_PAGES_MAX, FailureCode, Raw, Unreadable

LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl"})
BROKEN_WORD = re.compile(r"(?<=[^\W\d_])[-‐]\n(?=[^\W\d_])(?=\w)")
MADE_UP_TITLE = re.compile(r"^(untitled|anonymous|microsoft word - .*|.*\.(docx?|pdf|odt|rtf|tex|indd))$", re.I)


def read_pdf(raw: Raw) -> Extract:
    """Raises `Unreadable` for a locked one, one with too many pages, and one that has pages but no text."""
    reader = PdfReader(io.BytesIO(raw.body))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable(FailureCode.ENCRYPTED)
    if len(reader.pages) > PDF_PAGES_MAX:
        raise Unreadable(FailureCode.TOO_MANY_PAGES)
    blocks = [block for number, page in enumerate(reader.pages, 1) for block in _blocks(page, number)]
    if not any(character.isalnum() for block in blocks for character in block.text):
        raise Unreadable(FailureCode.SCANNED if len(reader.pages) else FailureCode.EMPTY)
    return Extract(blocks, _title(reader))


def _blocks(page: PageObject, number: int) -> Iterator[Block]:
    text = cleaned(page.extract_text()).translate(LIGATURES)
    return paragraphs(BROKEN_WORD.sub("", text), number)


def _title(reader: PdfReader) -> str:
    try:
        title = one_line((reader.metadata and reader.metadata.title) or "", TITLE_MAX)
    except PdfReadError:
        return ""
    return "" if MADE_UP_TITLE.match(title) else title
