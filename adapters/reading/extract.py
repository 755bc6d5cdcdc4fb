"""What the parsers of every kind of document make of it."""

from dataclasses import dataclass
from enum import Enum, auto


class Shape(Enum):
    """How a block may be cut when it is longer than a passage. A table's first two lines are its head."""

    PROSE = auto()
    LINES = auto()
    TABLE = auto()


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list, a table, or the like, under its path of headings."""

    text: str
    shape: Shape = Shape.PROSE
    heading: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Extract:
    """`title` is what the document calls itself, or empty. `url` is where it says that it belongs."""

    blocks: list[Block]
    title: str = ""
    url: str | None = None
    links: tuple[str, ...] = ()
