"""What a speaker gives: the pieces of a reply in their order, before anything is numbered or stored."""

from dataclasses import dataclass, field

from domain.sessions import Citation


@dataclass(frozen=True, slots=True)
class Words:
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Feeling:
    """From here on the avatar feels this; one of `EMOTIONS`."""

    emotion: str


@dataclass(frozen=True, slots=True)
class Switched:
    """From here on another model speaks. Only given after words. `reason` is one of our own words."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cited:
    """The words that follow cite this source."""

    source: Citation


Piece = Words | Feeling | Switched | Cited
