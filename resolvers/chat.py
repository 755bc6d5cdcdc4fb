"""Sending a message and following the reply."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from functools import partial

from domain.ai.prompts import Utterance
from domain.errors import AiProviderFailed, BadRequest, NotFound, Unavailable
from domain.reply.events import ReplyDone, ReplyEvent, ReplyFailed, Spoken, resumed, spoken
from domain.sessions import Message, MessageStatus, Role, Sent, check_client_message_id, check_content
from domain.tables import Tx
from resolvers.answering.opening import Opening
from resolvers.answering.transcript import Opened
from resolvers.avatars import owner_id
from resolvers.context import Context
from resolvers.guards import anyone, anyone_streaming
from resolvers.sessions import message_of, of_avatar


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
    owner, clock = await owner_id(ctx), ctx.services.clock
    opening = Opening(turns, content, client_message_id, history, clock.now(), clock.monotonic())

    def open_turn(tx: Tx, has_place: bool) -> Opened | Sent:
        session, avatar = of_avatar(ctx, tx, session_id, short_id, owner)
        return opening.open(tx, session, avatar, has_place)

    async def open_and_start() -> Sent:
        with turns.queueing(session_id) as has_place:
            opened = await ctx.services.store.write(partial(open_turn, has_place=has_place))
            if isinstance(opened, Sent):
                return opened
            await turns.start(opened)
            return Sent(opened.message, opened.reply.id)

    return await turns.to_the_end(open_and_start())


@anyone_streaming
async def follow(ctx: Context, reply_id: str, after_seq: int = 0) -> AsyncGenerator[ReplyEvent]:
    """The reply's events after `after_seq`: first those that were, then live until the last.

    A reply is known only to who was given its random id. It is heard to its end, whatever the owner changes meanwhile;
    one that only the database has is told while its avatar may be met. Raises `NotFound`, `Forbidden`, `BadRequest`.
    """
    if after_seq < 0:
        raise BadRequest.field("afterSeq", "takes the seq of the last event you have, or 0")
    over = await stored_when_over(ctx, reply_id)
    if over:
        for event in resumed(over, after_seq):
            yield event
        return
    with ctx.services.telemetry.listening():
        async with aclosing(ctx.services.replies.follow(reply_id, after_seq)) as events:
            async for event in events:
                yield event


async def stored_when_over(ctx: Context, reply_id: str) -> Message | None:
    """The stored reply; None for one whose log is here.

    One that its server left behind is waited for, within a few seconds: until it is closed, or begun here.
    """
    turns = ctx.services.turns
    while not await ctx.services.replies.has(reply_id):
        message = await stored_reply(ctx, reply_id)
        if message.status is not MessageStatus.STREAMING or turns.keeps(reply_id) or turns.closing:
            return message
        await turns.next_sweep()
    return None


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

    Raises `AiProviderFailed` when the reply breaks off, and `Unavailable` when it cannot be stored or this server's
    stop has cut it off; what was said until then is stored.
    """
    sent = await send(
        ctx, session_id, content, client_message_id=client_message_id, history=history, short_id=short_id
    )  # fmt: skip
    async with aclosing(follow(ctx, sent.reply_id)) as events:
        async for event in events:
            match event:
                case ReplyDone(interrupted=True) if ctx.services.turns.closing:
                    raise Unavailable("This server is stopping. Send the message again.")
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
    # While the database is unavailable a reply can be silenced all the same.
    with suppress(Unavailable):
        await stored_reply(ctx, reply_id)
    await ctx.services.turns.stop(reply_id)
    return await stored_reply(ctx, reply_id)


async def stored_reply(ctx: Context, reply_id: str) -> Message:
    owner = await owner_id(ctx)
    message = await ctx.services.store.read(lambda tx: message_of(ctx, tx, reply_id, owner))
    if message.role is not Role.ASSISTANT:
        raise NotFound("Reply not found")
    return message
