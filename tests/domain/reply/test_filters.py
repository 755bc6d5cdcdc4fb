"""Filters as a list: what each takes out, and the words that pass all of them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reply.citations import CitationFilter
from domain.reply.emotions import EmotionFilter
from domain.reply.filters import Filter, filtered
from domain.reply.pieces import Cited, Feeling, Piece, Switched, Words
from domain.sessions import Citation

SOURCES = [Citation("Opening hours", 0.9, 1), Citation("Prices", 0.5, 2)]
TEXTS = st.lists(st.sampled_from(["[", "]", "[sad]", "[1]", "[2", " ", "`", "\n", "hi", "é"]), max_size=20).map("".join)


def all_filters() -> list[Filter]:
    return [EmotionFilter(), CitationFilter(SOURCES)]


async def given_by(pieces: Sequence[Piece]) -> AsyncGenerator[Piece]:
    for piece in pieces:
        yield piece


async def passed(*pieces: Piece) -> list[Piece]:
    return [piece async for piece in filtered(given_by(pieces), all_filters())]


def words_of(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Words))


async def test_what_is_taken_out_comes_before_the_words() -> None:
    assert await passed(Words("[happy] Nine [1]."), Words(" And [2][7].")) == [
        Feeling("happy"),
        Cited(SOURCES[0]),
        Words("Nine [1]."),
        Cited(SOURCES[1]),
        Words(" And [2]."),
    ]


async def test_other_pieces_pass_as_they_are() -> None:
    switched = Switched("groq/llama", "stalled")
    assert await passed(Words("Hello ["), switched, Words("happy] there")) == [
        Words("Hello"),
        switched,
        Feeling("happy"),
        Words(" there"),
    ]


async def test_what_was_held_back_passes_the_filters_behind_at_the_end() -> None:
    """The emotions hold `[1` back for nobody, the citations for themselves; both give it up."""
    assert words_of(await passed(Words("See ["), Words("1"))) == "See [1"
    assert words_of(await passed(Words("See [hap"))) == "See [hap"


async def test_words_that_nothing_changes_are_not_made_anew() -> None:
    words = Words("Hello there.")
    [same] = await passed(words)
    assert same is words


async def test_words_that_vanish_are_not_given() -> None:
    assert await passed(Words("[sad]"), Words(""), Words("[9]")) == [Feeling("sad")]


async def test_a_failure_passes_and_what_is_held_back_is_lost() -> None:
    async def broken() -> AsyncGenerator[Piece]:
        yield Words("Hello [")
        raise LookupError

    pieces = filtered(broken(), all_filters())
    assert await anext(pieces) == Words("Hello")
    with pytest.raises(LookupError):
        await anext(pieces)


async def test_leaving_early_closes_what_is_filtered() -> None:
    closed = []

    async def endless() -> AsyncGenerator[Piece]:
        try:
            while True:
                yield Words("on ")
        finally:
            closed.append(True)

    async with aclosing(filtered(endless(), all_filters())) as pieces:
        await anext(pieces)
    assert closed == [True]


@given(TEXTS, st.data())
async def test_any_cut_gives_the_same_words_and_sources(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    parts = [Words(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    cut, whole = await passed(*parts), await passed(Words(text))
    assert words_of(cut) == words_of(whole)
    assert {piece for piece in cut if isinstance(piece, Cited)} == {p for p in whole if isinstance(p, Cited)}
