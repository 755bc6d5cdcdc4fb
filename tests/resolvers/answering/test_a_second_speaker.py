"""A speaker that the house does not know is one class, and one line that wires it in."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from domain.accounts import Identity
from domain.avatars import Avatar
from domain.ports import Speaker
from domain.reply.asked import Asked
from domain.reply.events import EmotionChanged, ProviderSwitched, ReplyChunk, ReplyDone, ReplyFailed, ReplyStarted
from domain.reply.pieces import Cited, Feeling, Piece, Switched, Words
from domain.sessions import Citation, Message, MessageStatus
from resolvers import avatars, chat
from resolvers.context import Services
from tests import house
from tests.fakes.sign_in import FakeSignIn
from tests.fakes.speaker import ScriptedSpeaker
from tests.resolvers.talk import AVATAR, begun, caller, done, heard, started, stored

FIRST, SECOND = Citation("Opening hours", 0.9, 1), Citation("Prices", 0.5, 2)


class Parrot(Speaker):
    """Says what it hears."""

    async def answer(self, asked: Asked) -> AsyncGenerator[Piece]:
        yield Words(asked.question)


@pytest.fixture
def speaker() -> Speaker:
    return Parrot()


@pytest.fixture
async def services(speaker: Speaker) -> AsyncIterator[Services]:
    sign_in = FakeSignIn()
    sign_in.add("ann", Identity("subject-ann", "ann@example.com", "Ann"))
    async with house.services(sign_in=sign_in, speaker=speaker) as services:
        yield services


@pytest.fixture
async def avatar(services: Services) -> Avatar:
    return await avatars.create(caller(services, "ann"), AVATAR)


async def asked(services: Services, avatar: Avatar, words: str = "Hello!") -> tuple[list[object], Message]:
    """The events of a reply, and how it is stored."""
    visitor = caller(services)
    sent = await chat.send(visitor, await started(visitor, avatar), words)
    events = await heard(visitor, sent.reply_id)
    return list(events), await stored(services.store, sent.reply_id)


async def test_it_answers_and_is_stored(services: Services, avatar: Avatar) -> None:
    events, message = await asked(services, avatar, "Good morning!")
    assert events == [
        ReplyStarted(message.id, 1),
        ReplyChunk(message.id, 2, "Good morning!"),
        ReplyDone(message.id, 3, message),
    ]
    assert (message.content, message.status, message.model) == ("Good morning!", MessageStatus.COMPLETE, None)


class TestEveryPiece:
    @pytest.fixture
    def speaker(self) -> Speaker:
        """Consecutive words would reach a listener as one."""
        first = Cited(SECOND), Words("Ten [2], "), Feeling("happy"), Cited(FIRST), Words("nine [1]."), Cited(SECOND)
        return ScriptedSpeaker(*first, Switched("groq/llama", "stalled"), Words(" Or so."))

    async def test_it_becomes_an_event_or_a_part_of_the_message(self, services: Services, avatar: Avatar) -> None:
        events, message = await asked(services, avatar)
        assert events[1:-1] == [
            ReplyChunk(message.id, 2, "Ten [2], "),
            EmotionChanged(message.id, 3, "happy"),
            ReplyChunk(message.id, 4, "nine [1]."),
            ProviderSwitched(message.id, 5, "groq/llama", "stalled"),
            ReplyChunk(message.id, 6, " Or so."),
        ]
        assert (message.emotion, message.sources) == ("happy", (FIRST, SECOND))
        assert message.timeline == '[9,["emotion","happy"],9,["switched","groq/llama","stalled"],7]'


class TestAFailure:
    @pytest.fixture
    def speaker(self) -> Speaker:
        return ScriptedSpeaker(Words("Hello "), LookupError("a visitor's words"))

    async def test_it_fails_the_reply_and_keeps_the_words(
        self, services: Services, avatar: Avatar, caplog: pytest.LogCaptureFixture
    ) -> None:
        events, message = await asked(services, avatar)
        assert isinstance(events[-1], ReplyFailed)
        assert (message.content, message.status) == ("Hello ", MessageStatus.FAILED)
        assert "LookupError" in caplog.text
        assert "a visitor's words" not in caplog.text


class TestStopping:
    @pytest.fixture
    def speaker(self) -> ScriptedSpeaker:
        return ScriptedSpeaker(Words("Hello "), asyncio.Event())

    async def test_it_is_closed_when_it_is_stopped(
        self, services: Services, avatar: Avatar, speaker: ScriptedSpeaker
    ) -> None:
        visitor = caller(services)
        reply_id = await begun(visitor, await started(visitor, avatar))
        message = await chat.stop(visitor, reply_id)
        assert (message.content, message.status) == ("Hello ", MessageStatus.INTERRUPTED)
        assert done(await heard(visitor, reply_id)).interrupted
        assert speaker.closed == 1
