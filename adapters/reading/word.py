"""DOCX, as Markdown: headings, lists and tables in their order."""

import io
import re
from collections.abc import Iterator

from docx import Document as open_document
from docx.document import Document
from docx.table import Table
from docx.text.paragraph import Paragraph

from adapters.reading.characters import cleaned, one_line
from adapters.reading.extract import Extract
from adapters.reading.plain import markdown
from domain.knowledge.items import TITLE_MAX
from domain.knowledge.reading import Raw

HEADING_STYLE = re.compile(r"^Heading ([1-9])$")


def read_docx(raw: Raw) -> Extract:
    document = open_document(io.BytesIO(raw.body))
    text = "\n".join(_lines(document))
    return markdown(cleaned(text), one_line(document.core_properties.title or "", TITLE_MAX))


def _lines(document: Document) -> Iterator[str]:
    names = {style.style_id: style.name or "" for style in document.styles}
    for part in document.iter_inner_content():
        if isinstance(part, Table):
            yield from _table(part)
        else:
            yield from _paragraph(part, names.get(part._p.style or "", ""))


def _paragraph(paragraph: Paragraph, style: str) -> Iterator[str]:
    """`style` is its name: python-docx finds it by a search that takes a millisecond a paragraph."""
    text, heading = paragraph.text.strip(), HEADING_STYLE.match(style)
    if not text:
        yield ""
    elif heading or style == "Title":
        yield f"{'#' * min(int(heading[1]), 6) if heading else '#'} {' '.join(text.split())}"
    elif style.startswith("List"):
        yield f"- {text}"
    else:
        yield from (text, "")


def _table(table: Table) -> Iterator[str]:
    """Cells that are merged are told once; a table within a cell is told after its text."""
    yield ""
    for index, row in enumerate(table.rows):
        cells = list(dict.fromkeys(cell._tc for cell in row.cells))
        texts = {cell._tc: " ".join(_cell_texts(cell.iter_inner_content())) for cell in row.cells}
        yield f"| {' | '.join(texts[cell] for cell in cells)} |"
        if index == 0:
            yield "|" + " --- |" * len(cells)
    yield ""


def _cell_texts(parts: Iterator[Paragraph | Table]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Paragraph):
            yield from part.text.split()
        else:
            for row in part.rows:
                yield from (" ".join(cell.text.split()) for cell in row.cells)
