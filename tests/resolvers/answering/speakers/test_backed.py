"""A speaker with others behind it: who speaks when the first cannot."""

import asyncio
from contextlib import aclosing

import pytest

from domain.errors import ProviderFailure, Unavailable
from domain.failover import NOBODY_TO_ASK
from domain.reply.asked import Asked
from domain.reply.pieces import Feeling, Piece, Words
from domain.telemetry import Effort
from resolvers.answering.speakers.backed import Backed
from tests.builders import an_account, an_avatar
from tests.fakes.clock import FakeClock
from tests.fakes.speaker import ScriptedSpeaker

DOWN, REFUSED = ProviderFailure("http_500"), ProviderFailure("http_401", refused=True)


@pytest.fixture
def asked() -> Asked:
    return Asked(an_avatar(an_account()), "Hi", (), True, False, Effort(FakeClock().monotonic))


@pytest.fixture
def absent() -> ScriptedSpeaker:
    return ScriptedSpeaker(Words("Nobody is there."))


@pytest.fixture
def silent() -> ScriptedSpeaker:
    return ScriptedSpeaker(Words("Nobody answers."))


async def heard(speaker: Backed, asked: Asked) -> list[Piece]:
    return [piece async for piece in speaker.answer(asked)]


async def test_a_first_speaker_that_speaks_needs_no_other(
    asked: Asked, absent: ScriptedSpeaker, silent: ScriptedSpeaker
) -> None:
    first = ScriptedSpeaker(Words("Hello "), Words("there."))
    assert await heard(Backed(first, absent, silent), asked) == [Words("Hello "), Words("there.")]
    assert [speaker.asked for speaker in (first, absent, silent)] == [[asked], [], []]


async def test_one_that_has_nobody_to_ask(asked: Asked, absent: ScriptedSpeaker, silent: ScriptedSpeaker) -> None:
    first = ScriptedSpeaker(ProviderFailure(NOBODY_TO_ASK))
    assert await heard(Backed(first, absent, silent), asked) == [Words("Nobody is there.")]
    assert (absent.asked, silent.asked) == ([asked], [])


async def test_one_that_fails_before_its_first_word(
    asked: Asked, absent: ScriptedSpeaker, silent: ScriptedSpeaker
) -> None:
    first = ScriptedSpeaker(Feeling("happy"), DOWN)
    assert await heard(Backed(first, absent, silent), asked) == [Feeling("happy"), Words("Nobody answers.")]


@pytest.mark.parametrize(
    ("before", "error"), [((Words("Hello "),), DOWN), ((), REFUSED), ((), Unavailable("no key opens it"))]
)
async def test_what_was_begun_or_refused_is_nobody_elses(
    asked: Asked, absent: ScriptedSpeaker, silent: ScriptedSpeaker, before: tuple[Piece, ...], error: Exception
) -> None:
    with pytest.raises(type(error)):
        await heard(Backed(ScriptedSpeaker(*before, error), absent, silent), asked)
    assert (absent.asked, silent.asked) == ([], [])


@pytest.mark.parametrize("before", [(), (DOWN,)])
async def test_leaving_early_closes_whoever_speaks(asked: Asked, before: tuple[Exception, ...]) -> None:
    speaking = ScriptedSpeaker(Words("Hello "), asyncio.Event())
    speaker = Backed(ScriptedSpeaker(*before), speaking, speaking) if before else Backed(speaking, speaking, speaking)
    async with aclosing(speaker.answer(asked)) as pieces:
        assert await anext(pieces) == Words("Hello ")
    assert speaking.closed == 1
