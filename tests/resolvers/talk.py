"""Short words for what every test of the verbs does."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from domain.avatars import Avatar
from domain.reply.events import ReplyChunk, ReplyDone, ReplyEvent, ReplyFailed
from domain.sessions import SERVER_LEASE, Message, MessageStatus
from domain.tables import Store
from resolvers import chat, sessions
from resolvers.answering.settling import Settling
from resolvers.context import Context, Services
from tests.fakes.clock import FakeClock

FIRST, SECOND, THIRD = "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini", "anthropic/claude-3-5-haiku-20241022"
AVATAR: dict[str, object] = {"slug": "ava", "name": "Ava", "avatar_model_url": "https://models.example/ava.glb"}


def caller(services: Services, token: str | None = None, ip: str = "192.0.2.1") -> Context:
    return Context(services, "request-1", ip, token)


async def started(ctx: Context, avatar: Avatar) -> str:
    """The id of a new session."""
    return (await sessions.start(ctx, avatar.short_id)).session.id


async def heard(ctx: Context, reply_id: str, after_seq: int = 0) -> list[ReplyEvent]:
    """All events of a reply, to its end."""
    async with aclosing(chat.follow(ctx, reply_id, after_seq)) as events:
        return [event async for event in events]


async def until_it_speaks(events: AsyncGenerator[ReplyEvent]) -> ReplyChunk:
    """The first words; the follower stays."""
    while True:
        event = await anext(events)
        if isinstance(event, ReplyChunk):
            return event


async def begun(ctx: Context, session_id: str, content: str = "Hi", client_message_id: str | None = None) -> str:
    """The id of a reply that has begun to speak, and that nobody follows."""
    sent = await chat.send(ctx, session_id, content, client_message_id=client_message_id)
    async with aclosing(chat.follow(ctx, sent.reply_id)) as events:
        await until_it_speaks(events)
    return sent.reply_id


def text_of(events: Sequence[ReplyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReplyChunk))


def done(events: Sequence[ReplyEvent]) -> ReplyDone:
    last = events[-1]
    assert isinstance(last, ReplyDone)
    return last


def failed(events: Sequence[ReplyEvent]) -> ReplyFailed:
    last = events[-1]
    assert isinstance(last, ReplyFailed)
    return last


async def stored(store: Store, message_id: str) -> Message:
    message = await store.read(lambda tx: tx.messages.by_id(message_id))
    assert message
    return message


async def said(store: Store, session_id: str) -> list[tuple[str, str, MessageStatus]]:
    """Role, words and status of a session's messages."""
    messages = await store.read(lambda tx: tx.messages.page(session_id, 1000, None))
    return [(message.role, message.content, message.status) for message in messages]


async def recover(services: Services) -> None:
    """What a server does once it is clear that nobody speaks what is said to be spoken."""
    clock = services.clock
    assert isinstance(clock, FakeClock)
    clock.advance(SERVER_LEASE.total_seconds())
    await Settling(clock, services.store).recover()
