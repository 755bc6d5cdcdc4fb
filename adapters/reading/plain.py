"""Plain text and Markdown, as blocks."""

import re
from collections.abc import Iterator

from adapters.reading.characters import cleaned, decoded, one_line
from adapters.reading.extract import Block, Extract, Shape
from domain.knowledge.items import TITLE_MAX
from domain.knowledge.reading import Raw

HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
UNDERLINE = re.compile(r"^ {0,3}(=+|-{3,})[ \t]*$")
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
TABLE_ROW = re.compile(r"^ {0,3}\|")
BLANK_LINES = re.compile(r"\n[ \t]*\n+")
HEADING_MAX = 300


def read_text(raw: Raw) -> Extract:
    return Extract(list(paragraphs(cleaned(decoded(raw.body, raw.media_type)))))


def read_markdown(raw: Raw) -> Extract:
    return markdown(cleaned(decoded(raw.body, raw.media_type)))


def paragraphs(text: str, page: int | None = None) -> Iterator[Block]:
    for paragraph in BLANK_LINES.split(text):
        if paragraph.strip():
            yield Block(paragraph.strip("\n").rstrip(), page=page)


def markdown(text: str, title: str = "") -> Extract:
    """`title` is the first heading of the first level where none is given."""
    outline = _Outline()
    for line in text.split("\n"):
        outline.take(line)
    outline.end()
    return Extract(outline.blocks, title or outline.title)


class _Outline:
    """Markdown line by line: a path of headings, and the blocks under it."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.title = ""
        self._path: list[tuple[int, str]] = []
        self._lines: list[str] = []
        self._shape = Shape.PROSE
        self._fence = ""
        self._bare_heading = False

    def take(self, line: str) -> None:
        if self._fence:
            self._take_code(line)
        elif fence := FENCE.match(line):
            self._begin(Shape.LINES)
            self._fence = fence[1]
            self._lines.append(line)
        elif heading := HEADING.match(line):
            self._take_heading(len(heading[1]), heading[2])
        elif UNDERLINE.match(line) and self._shape is Shape.PROSE and len(self._lines) == 1:
            self._take_heading(1 if "=" in line else 2, self._lines.pop())
        else:
            self._take_prose(line)

    def end(self) -> None:
        self._finish()
        self._keep_bare_heading()

    def _take_code(self, line: str) -> None:
        self._lines.append(line)
        if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
            self._fence = ""
            self._finish()

    def _take_prose(self, line: str) -> None:
        shape = Shape.TABLE if TABLE_ROW.match(line) else Shape.PROSE
        if shape is not self._shape or not line.strip():
            self._begin(shape)
        if line.strip():
            self._lines.append(line.rstrip())

    def _take_heading(self, level: int, text: str) -> None:
        self._finish()
        if self._path and self._path[-1][0] >= level:
            self._keep_bare_heading()
        text = one_line(text, HEADING_MAX)
        self._path = [each for each in self._path if each[0] < level] + [(level, text)]
        self._bare_heading = True
        if level == 1 and not self.title:
            self.title = text[:TITLE_MAX]

    def _keep_bare_heading(self) -> None:
        """A heading that nothing stands under is text itself."""
        if self._bare_heading:
            self.blocks.append(Block(self._path[-1][1], heading=_joined(self._path[:-1])))
        self._bare_heading = False

    def _begin(self, shape: Shape) -> None:
        self._finish()
        self._shape = shape

    def _finish(self) -> None:
        if self._lines:
            self.blocks.append(Block("\n".join(self._lines), self._shape, _joined(self._path)))
            self._bare_heading = False
        self._lines, self._shape = [], Shape.PROSE


def _joined(path: list[tuple[int, str]]) -> str:
    return " > ".join(text for _, text in path)[:HEADING_MAX]
