"""What a model streams takes time in proportion to its length, however it is made and cut."""

from collections.abc import Callable
from itertools import chain

import pytest

from domain.ai.continuation import Continuation
from domain.reply.citations import HELD_MOST, CitationFilter
from domain.reply.emotions import EmotionFilter
from domain.reply.filters import Filter
from domain.reply.quoting import relevant
from domain.sessions import Citation
from domain.speech.plain_words import tts_text
from tests.growth import grows_linearly

RUNS = (
    " ",
    "\t",
    "\n",
    "`",
    "[",
    "]",
    "[ ",
    "[1",
    "[1]",
    " [1]",
    "[9] ",
    "[hap",
    "a ",
    "_",
    "*",
    "_a",
    "[](",
    "http://",
    "!",
    "|",
    "#",
    "> ",
)
SOURCES = [Citation("Opening hours", 0.9, 1)]
FILTERS: dict[str, Callable[[], Filter]] = {"emotions": EmotionFilter, "citations": lambda: CitationFilter(SOURCES)}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("at_once", [True, False])
def test_filters(name: str, run: str, at_once: bool) -> None:
    def work(size: int) -> None:
        made = FILTERS[name]()
        text = "Hi" + run * (size // len(run)) + "x [1]"
        for part in [text] if at_once else text:
            made.feed(part)
        made.flush()

    assert grows_linearly(work)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("said", ["", "Hi"])
def test_going_on_for_another_model(run: str, said: str) -> None:
    def work(size: int) -> None:
        join = Continuation(said)
        for part in chain(run * (size // len(run)), "x"):
            join.feed(part)
        join.flush()

    assert grows_linearly(work)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("work", [tts_text, lambda text: relevant("What is x?", text)], ids=["speech", "quoting"])
def test_what_is_made_of_a_whole_text(work: Callable[[str], str], run: str) -> None:
    assert grows_linearly(lambda size: work("Hi" + run * (size // len(run)) + "x"))


@pytest.mark.parametrize("run", [" ", "`", "\t "])
def test_little_is_held_back(run: str) -> None:
    citations = CitationFilter(SOURCES)
    given = citations.feed("Hi" + run * 60_000)
    assert len(given) >= 2 + len(run) * 60_000 - HELD_MOST
