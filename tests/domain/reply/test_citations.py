"""Markers of citations while the text streams."""

import random

import pytest

from domain.reply.citations import CitationFilter
from domain.sessions import Citation

TEXTS = (
    "It opens at nine [1]. It closes at five [2][7], not [ 3 ] at six [1, 2; 9].",
    "Nothing is cited here, not even [brackets] or [12 apples] or a lone [ at the end [",
    "Code stays: `list[1]` and ``a[9]``, but [9] goes and [^2] stays.  [1]",
    "[1][2][3][4] \t [0] [000] [999] [1,]  [,2] [1 2] [\n1]",
    "Trailing space [8]   ",
    "Many [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3] and a lone ` backtick [9]\nhides [9] nothing [1].",
    "````a ``` [9]```` and ``b ` [9]`` end [9][1]\n```\n[9]\n\n``` [1]",
    "日本語の答えです[1]。終わり[5]",
)


def filtered(chunks: list[str], known: int) -> tuple[str, set[int]]:
    citations, cited = CitationFilter(sources(known)), set[int]()
    words = ""
    for chunk in [*chunks, None]:
        words += citations.flush() if chunk is None else citations.feed(chunk)
        cited.update(told.source.number for told in citations.taken())
    return words, cited


def sources(count: int) -> list[Citation]:
    return [Citation(f"Source {number}", 1.0, number) for number in range(1, count + 1)]


def split(text: str, rng: random.Random) -> list[str]:
    cuts = sorted(rng.choices(range(len(text) + 1), k=rng.randint(0, len(text))))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("known", [0, 1, 3])
def test_any_split_gives_the_same_words_and_numbers(text: str, known: int) -> None:
    rng = random.Random(text)
    whole = filtered([text], known)
    assert filtered(list(text), known) == whole
    for _ in range(200):
        assert filtered(split(text, rng), known) == whole


@pytest.mark.parametrize(
    ("text", "words", "cited"),
    [
        ("Nine [1].", "Nine [1].", {1}),
        ("Nine [4].", "Nine.", set()),
        ("Nine [2, 4; 1].", "Nine [2][1].", {1, 2}),
        ("Nine [^2].", "Nine [2].", {2}),
        ("Nine [1, 1].", "Nine [1].", {1}),
        ("Nine [0][00][999].", "Nine.", set()),
        ("Nine [see 1].", "Nine [see 1].", set()),
        ("`a[9]` [9]", "`a[9]`", set()),
        ("a ` b [1]\n[9] [2]", "a ` b [1]\n [2]", {2}),
        ("``a`[9]`` [9]", "``a`[9]``", set()),
        ("```\nx = a[1]\n``` [1]", "```\nx = a[1]\n``` [1]", {1}),
    ],
)
def test_a_number_without_a_passage_is_dropped(text: str, words: str, cited: set[int]) -> None:
    assert filtered([text], known=3) == (words, cited)


def test_every_number_is_dropped_when_nothing_was_found() -> None:
    assert filtered(["Nine [1], list[2]."], known=0) == ("Nine, list.", set())


def test_words_are_held_back_only_while_they_may_become_a_marker() -> None:
    citations = CitationFilter(sources(1))
    assert citations.feed("Nine ") == "Nine"
    assert citations.feed("[") == ""
    assert citations.feed("so it is]") == " [so it is]"
    assert citations.feed(" [1") == ""
    assert citations.feed("]!") == " [1]!"
