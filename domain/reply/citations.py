"""The numbers in brackets with which a model cites passages, taken care of while the text streams."""

import re
from collections.abc import Sequence

from domain.reply.filters import Filter
from domain.reply.pieces import Cited
from domain.sessions import Citation

# A run of blanks, or of backticks, is looked at from its first character only: each pattern takes time in
# proportion to the text, whatever the text is.
MARKER = re.compile(
    r"(?P<space>(?<![ \t])[ \t]*)\[\s{0,2}\^?(?P<numbers>\d{1,3}(?:\s{0,2}[,;]\s{0,2}\d{1,3}){0,15})\s{0,2}\]"
)
MAY_BE_MARKER = re.compile(r"(?<![ \t])[ \t]*\[[\s^\d,;]{0,130}$|(?<![ \t])[ \t]+$|(?<!`)`+$")
HELD_MOST = 256
CODE_OR_LINE = re.compile(r"(`+|\n)")
BLOCK = "```"


class CitationFilter(Filter):
    """Keeps the markers that name one of the `known` sources, as `[1]` each, and drops every other.

    The first source is number 1. Text that may still become a marker is held back, at most `HELD_MOST` characters of
    it, which no marker has. Code between backticks stays as it is; in a line it ends with the line, so that a lone
    backtick hides nothing.
    """

    def __init__(self, known: Sequence[Citation]) -> None:
        self._known = known
        self._taken: list[Cited] = []
        self._held = ""
        self._fence = ""

    def feed(self, text: str) -> str:
        """The words that are certain not to be part of a marker."""
        text = self._held + text
        cut = max(found.start(), len(text) - HELD_MOST) if (found := MAY_BE_MARKER.search(text)) else len(text)
        self._held = text[cut:]
        return self._words(text[:cut])

    def flush(self) -> str:
        """What was held back when the stream ended."""
        held, self._held = self._held, ""
        return self._words(held)

    def taken(self) -> Sequence[Cited]:
        """The sources that the words cite."""
        taken, self._taken = self._taken, []
        return taken

    def _words(self, text: str) -> str:
        if "[" not in text and "`" not in text and not self._fence:
            return text
        parts = CODE_OR_LINE.split(text)
        for place, part in enumerate(parts):
            if part.startswith("`"):
                self._fence = "" if part == self._fence else self._fence or part
            elif part == "\n" and not self._fence.startswith(BLOCK):
                self._fence = ""
            elif not self._fence:
                parts[place] = MARKER.sub(self._kept, part)
        return "".join(parts)

    def _kept(self, marker: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", marker["numbers"])]
        known = [number for number in dict.fromkeys(numbers) if 1 <= number <= len(self._known)]
        self._taken += [Cited(self._known[number - 1]) for number in known]
        return marker["space"] + "".join(f"[{number}]" for number in known) if known else ""
