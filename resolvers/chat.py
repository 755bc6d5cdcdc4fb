"""Sending a message and following the reply."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from domain.ai.prompts import Utterance
from domain.errors import AiProviderFailed, BadRequest, NotFound, SessionBusy, Unavailable
from domain.ids import growing_id
from domain.reply.events import ReplyDone, ReplyEvent, ReplyFailed, Spoken, resumed, spoken
from domain.sessions import Message, MessageStatus, Role, check_client_message_id, check_content
from domain.tables import Tx
from resolvers.answering.transcript import Opened
from resolvers.answering.turns import HISTORY_MESSAGES, QUEUE_MOST
from resolvers.avatars import owner_id
from resolvers.context import Context
from resolvers.guards import anyone, anyone_streaming
from resolvers.sessions import of_avatar

CLIENT_HISTORY_MAX = 50


@dataclass(frozen=True, slots=True)
class Sent:
    """The visitor's message, stored, and the id of the reply to it."""

    message: Message
    reply_id: str


@anyone
async def send(
    ctx: Context,
    session_id: str,
    content: str,
    *,
    client_message_id: str | None = None,
    history: Sequence[Utterance] = (),
    short_id: str | None = None,
) -> Sent:
    """Stores the visitor's words, then lets the avatar speak.

    Returns once the words are durable. The same `client_message_id` in the same session gives the
    same reply, so a send can be repeated safely. `history` counts only in a session without messages.

    Raises `SessionBusy` while too many messages of the session wait for their answers, and `Unavailable` when this
    server is stopping; both can be sent again.
    """
    content, client_message_id = check_content(content), check_client_message_id(client_message_id)
    turns = ctx.services.turns
    if turns.closing:
        raise Unavailable("This server is stopping. Send the message again.")
    owner = await owner_id(ctx)
    now, accepted = ctx.services.clock.now(), ctx.services.clock.monotonic()

    def open_turn(tx: Tx, has_place: bool) -> Opened | Sent:
        session, avatar = of_avatar(ctx, tx, session_id, short_id, owner)
        if sent := sent_before(tx, session_id, client_message_id, content):
            return sent
        session.require_open(now)
        if not has_place:
            raise SessionBusy(
                f"{QUEUE_MOST} messages wait for their answers. Send this one again after the next reply."
            )
        before = tx.messages.history(session_id, HISTORY_MESSAGES)
        informed = tx.passages.has_any(avatar.id)
        message = Message(
            growing_id(now), session_id, Role.USER, content, created_at=now, client_message_id=client_message_id
        )
        reply = Message(
            growing_id(now), session_id, Role.ASSISTANT, "", created_at=now,
            status=MessageStatus.STREAMING, in_reply_to=message.id,
        )  # fmt: skip
        tx.messages.add_turn(message, reply)
        tx.sessions.touch(session_id, now)
        return Opened(avatar, message, reply, before, tuple(history[-CLIENT_HISTORY_MAX:]), informed, accepted)

    async def open_and_start() -> Sent:
        with turns.queueing(session_id) as has_place:
            opened = await ctx.services.store.write(partial(open_turn, has_place=has_place))
            if isinstance(opened, Sent):
                return opened
            await turns.start(opened)
            return Sent(opened.message, opened.reply.id)

    return await turns.to_the_end(open_and_start())


def sent_before(tx: Tx, session_id: str, client_message_id: str | None, content: str) -> Sent | None:
    message = tx.messages.of_client(session_id, client_message_id) if client_message_id else None
    if message is None:
        return None
    if message.content != content:
        raise BadRequest.field("clientMessageId", "was already used for other words in this session")
    reply = tx.messages.reply_to(message)
    return Sent(message, reply.id) if reply else None


@anyone_streaming
async def follow(ctx: Context, reply_id: str, after_seq: int = 0) -> AsyncGenerator[ReplyEvent]:
    """The reply's events after `after_seq`: first those that were, then live until the last.

    A reply is known only to who was given its random id. Raises `NotFound` and `BadRequest`.
    """
    if after_seq < 0:
        raise BadRequest.field("afterSeq", "takes the seq of the last event you have, or 0")
    if await ctx.services.replies.has(reply_id):
        with ctx.services.telemetry.listening():
            async with aclosing(ctx.services.replies.follow(reply_id, after_seq)) as events:
                async for event in events:
                    yield event
        return
    message = await ctx.services.store.read(lambda tx: tx.messages.by_id(reply_id))
    if message is None or message.role is not Role.ASSISTANT:
        raise NotFound("Reply not found")
    for event in resumed(message, after_seq):
        yield event


@anyone
async def ask(
    ctx: Context,
    session_id: str,
    content: str,
    *,
    client_message_id: str | None = None,
    history: Sequence[Utterance] = (),
    short_id: str | None = None,
) -> Spoken:
    """Sends and waits for the whole answer.

    Raises `AiProviderFailed` when the reply breaks off, and `Unavailable` when it cannot be stored.
    """
    sent = await send(
        ctx, session_id, content, client_message_id=client_message_id, history=history, short_id=short_id
    )  # fmt: skip
    async with aclosing(follow(ctx, sent.reply_id)) as events:
        async for event in events:
            match event:
                case ReplyDone():
                    return spoken(event)
                case ReplyFailed(code=Unavailable.code, message=message):
                    raise Unavailable(message)
                case ReplyFailed(message=message):
                    raise AiProviderFailed(message)
    raise AiProviderFailed("The reply ended without an answer. Send the message again.")


@anyone
async def stop(ctx: Context, reply_id: str) -> Message:
    """Stops a reply; what was said is stored as interrupted. Stopping one that is over changes nothing."""
    await ctx.services.turns.stop(reply_id)
    message = await ctx.services.store.read(lambda tx: tx.messages.by_id(reply_id))
    if message is None or message.role is not Role.ASSISTANT:
        raise NotFound("Reply not found")
    return message
