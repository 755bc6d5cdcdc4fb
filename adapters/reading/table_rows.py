"""CSV: each row becomes a line that names its columns."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

from adapters.reading.characters import cleaned, decoded
from adapters.reading.extract import Block, Extract, Shape
from domain.knowledge.reading import BODY_MAX_BYTES, Raw

SEPARATORS = ",;\t|"
SAMPLE_ROWS = 20
csv.field_size_limit(BODY_MAX_BYTES)


def read_csv(raw: Raw) -> Extract:
    text = cleaned(decoded(raw.body, raw.media_type))
    rows = (row for row in _rows(text, _separator(text)) if any(cell.strip() for cell in row))
    first = next(rows, [])
    names = first if _are_names(first) else []
    blocks = [] if names else [_line(first, names)]
    blocks += (_line(row, names) for row in rows)
    if names and not blocks:
        blocks = [_line(names, [])]
    return Extract([block for block in blocks if block.text])


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _separator(text: str) -> str:
    """The one that cuts the first rows into the most columns, all into as many."""

    def columns(separator: str) -> int:
        widths = {len(row) for row in islice(_rows(text, separator), SAMPLE_ROWS) if row}
        return widths.pop() if len(widths) == 1 else 0

    best = max(SEPARATORS, key=columns)
    return best if columns(best) > 1 else max(SEPARATORS, key=text.partition("\n")[0].count)


def _are_names(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row]
    return len(set(cells)) == len(cells) and all(cells) and not any(any(map(str.isdigit, cell)) for cell in cells)


def _line(row: Sequence[str], names: Sequence[str]) -> Block:
    cells = [" ".join(cell.split()) for cell in row]
    named = [f"{name.strip()}: {cell}" for name, cell in zip(names, cells, strict=False) if cell]
    return Block("; ".join(named + [cell for cell in cells[len(names) :] if cell]), Shape.LINES)
