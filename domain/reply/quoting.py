"""Sentences to quote from a passage: as they read without Markdown, and those that are next to what was asked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

QUOTED = 3
STEM = 5
# A line that long was broken by its writer to fit a column: its sentence goes on in the next one.
WRAPPED = 60
SENTENCE = re.compile(r"[^.!?。！？]+(?:[.!?](?!\s|$)[^.!?。！？]*)*[.!?。！？]*[\"”’)\]]*")
FENCE = re.compile(r"\s*(?:```|~~~)")
ROW = re.compile(r"\s*\|(.*)\|\s*$")
RULE = re.compile(r"[\s|:=-]+$")
HEADING = re.compile(r"\s*#+\s")
ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s")
BULLET = re.compile(r"^\s*(?:(?:[-*+]|\d+[.)])\s+|>\s*)+")
TARGET = r"\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)"
LINK = re.compile(rf"!\[[^\[\]]*\]{TARGET}|\[([^\[\]]*)\]{TARGET}")
EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|(?<!_)_+(?!\w)")
ENDS = (".", "!", "?", "…", "。", "！", "？", ":", "：")


@dataclass(frozen=True, slots=True)
class Line:
    """`is_row`: of a table, which makes sense without the rows around it. `is_code` stays as it is."""

    text: str
    is_row: bool = False
    is_code: bool = False


def relevant(question: str, text: str) -> str:
    """At most three sentences of a text, in their order: from the one that is next to what was asked on.

    A text that has no more is quoted whole; of a table only the rows that are as near.
    """
    lines, asked = list(sentences(text)), stems(question)
    shares = [len(asked & stems(line.text)) for line in lines]
    most = max(shares, default=0)
    first = shares.index(most) if len(lines) > QUOTED else 0
    near = zip(lines[first : first + QUOTED], shares[first:], strict=False)
    quoted = [line for line, share in near if share == most or not line.is_row]
    return " ".join(line.text if line.is_code else with_full_stop(line.text) for line in quoted)


def sentences(text: str) -> Iterator[Line]:
    for line in whole_lines(text):
        if line.is_row or line.is_code:
            yield line
        else:
            yield from (Line(found) for each in SENTENCE.findall(line.text) if (found := each.strip()))


def whole_lines(text: str) -> Iterator[Line]:
    """Paragraphs, items, rows and lines of code, without their markup; no headings, and no heads of tables."""
    begun: list[str] = []
    lines = text.split("\n")
    in_code = False
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        row, fence, heading = ROW.match(line), FENCE.match(line), HEADING.match(line)
        if begun and (row or fence or in_code or heading or ITEM.match(line) or not goes_on(begun[-1], line)):
            yield Line(plain(" ".join(begun)))
            begun = []
        if fence:
            in_code = not in_code
        elif in_code:
            if line.strip():
                yield Line(line.strip(), is_code=True)
        elif row:
            if not RULE.match(line) and not (ROW.match(following) and RULE.match(following)):
                yield Line(cells(row[1]), is_row=True)
        elif line.strip() and not heading:
            begun.append(line.strip())
    if begun:
        yield Line(plain(" ".join(begun)))


def goes_on(line: str, following: str) -> bool:
    return len(line) >= WRAPPED and bool(following.strip())


def cells(row: str) -> str:
    first, *others = [cell.removesuffix(".") for each in row.split("|") if (cell := plain(each))] or [""]
    return f"{first}: {'; '.join(others)}" if others else first


def plain(markdown: str) -> str:
    return EMPHASIS.sub("", LINK.sub(r"\1", BULLET.sub("", markdown))).strip()


def stems(text: str) -> set[str]:
    """Rough ones: the beginnings of its longer words, and the characters of scripts without spaces."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return {word[:STEM] for word in words if len(word) > 2} | {c for c in text if "\u3040" <= c <= "\u9fff"}


def with_full_stop(text: str) -> str:
    return text if not text or text.endswith(ENDS) else f"{text}."
