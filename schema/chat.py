"""Sending messages and following replies over GraphQL."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from domain.reply import events as domain
from domain.sessions import Sent
from resolvers import chat as resolvers
from schema.engine.context import Info
from schema.engine.ids import key_of
from schema.sessions import Citation, Latency, Message
from schema.speech import SpeechSegment


@strawberry.type
class Event:
    seq: int = strawberry.field(description="Grows with every event; pass the last one as afterSeq to resume.")
    reply_id: strawberry.ID


@strawberry.type(description="The avatar begins to answer.")
class ReplyStarted(Event):
    pass


@strawberry.type(description="More words. Several pieces may arrive as one; seq is then that of the last.")
class ReplyChunk(Event):
    text: str


@strawberry.type(description="neutral, happy, sad, angry, fear, disgust, love or sleep.")
class EmotionChanged(Event):
    emotion: str


@strawberry.type(description="After words were said, another model went on from there.")
class ProviderSwitched(Event):
    model: str
    reason: str


@strawberry.type(description="The reply is over and stored.")
class ReplyDone(Event):
    message: Message
    text: str
    emotion: str
    sources: list[Citation]
    latency: Latency
    model: str
    interrupted: bool = strawberry.field(description="It was stopped, and text is what was said.")


@strawberry.type(description="The reply broke off. What was said before is stored.")
class ReplyFailed(Event):
    code: str
    reason: str = strawberry.field(description="What went wrong and what to do, for people.")
    retryable: bool = strawberry.field(description="Whether sending the message again may help.")


ReplyEvent = Annotated[
    ReplyStarted | ReplyChunk | EmotionChanged | SpeechSegment | ProviderSwitched | ReplyDone | ReplyFailed,
    strawberry.union("ReplyEvent"),
]


@strawberry.type(description="A reply that can be followed.")
class Reply:
    id: strawberry.ID


@strawberry.input
class SendMessageInput:
    session_id: strawberry.ID
    content: str = strawberry.field(description="The visitor's words, 1 to 5000 characters.")
    client_message_id: str | None = strawberry.field(
        default=None, description="Your own id of this message: sending it twice gives the same reply."
    )


@strawberry.type
class SendMessagePayload:
    reply: Reply
    message: Message


@strawberry.input
class StopReplyInput:
    reply_id: strawberry.ID


@strawberry.type
class StopReplyPayload:
    reply: Reply
    message: Message = strawberry.field(description="What was said, as stored.")


async def send(info: Info, input: SendMessageInput) -> Sent:
    return await resolvers.send(
        info.context.core,
        key_of(input.session_id, "Session"),
        input.content,
        client_message_id=input.client_message_id,
    )


@strawberry.type
class ChatMutation:
    @strawberry.mutation(description="Stores the visitor's words and lets the avatar answer. Open to strangers.")
    async def send_message(self, info: Info, input: SendMessageInput) -> SendMessagePayload:
        sent = await send(info, input)
        return SendMessagePayload(reply=Reply(id=strawberry.ID(sent.reply_id)), message=Message.of(sent.message))

    @strawberry.mutation(description="Stops a reply; what was said is kept. One that is over stays as it is.")
    async def stop_reply(self, info: Info, input: StopReplyInput) -> StopReplyPayload:
        message = await resolvers.stop(info.context.core, key_of(input.reply_id, "Message"))
        return StopReplyPayload(reply=Reply(id=strawberry.ID(message.id)), message=Message.of(message))


@strawberry.type
class ChatSubscription:
    @strawberry.subscription(description="Follows a reply, or resumes it after the last event you have.")
    async def reply(self, info: Info, reply_id: strawberry.ID, after_seq: int | None = 0) -> AsyncGenerator[ReplyEvent]:
        async with aclosing(resolvers.follow(info.context.core, key_of(reply_id, "Message"), after_seq or 0)) as events:
            async for event in events:
                yield shown(event)

    @strawberry.subscription(description="Sends a message and follows the reply, in one operation.")
    async def chat(self, info: Info, input: SendMessageInput) -> AsyncGenerator[ReplyEvent]:
        sent = await send(info, input)
        async with aclosing(resolvers.follow(info.context.core, sent.reply_id)) as events:
            async for event in events:
                yield shown(event)


Shown = ReplyStarted | ReplyChunk | EmotionChanged | ProviderSwitched | ReplyDone | ReplyFailed


def shown(event: domain.ReplyEvent) -> Shown:
    """A domain event as its GraphQL type."""
    reply_id = strawberry.ID(event.reply_id)
    match event:
        case domain.ReplyChunk(seq=seq, text=text):
            return ReplyChunk(seq=seq, reply_id=reply_id, text=text)
        case domain.ReplyStarted(seq=seq):
            return ReplyStarted(seq=seq, reply_id=reply_id)
        case domain.EmotionChanged(seq=seq, emotion=emotion):
            return EmotionChanged(seq=seq, reply_id=reply_id, emotion=emotion)
        case domain.ProviderSwitched(seq=seq, model=model, reason=reason):
            return ProviderSwitched(seq=seq, reply_id=reply_id, model=model, reason=reason)
        case domain.ReplyFailed(seq=seq, code=code, message=reason, retryable=retryable):
            return ReplyFailed(seq=seq, reply_id=reply_id, code=code, reason=reason, retryable=retryable)
        case domain.ReplyDone():
            return done(event)


def done(event: domain.ReplyDone) -> ReplyDone:
    return ReplyDone(
        seq=event.seq,
        reply_id=strawberry.ID(event.reply_id),
        message=Message.of(event.message),
        text=event.text,
        emotion=event.emotion,
        sources=[Citation.of(source) for source in event.sources],
        latency=Latency(total=event.latency.total, llm=event.latency.llm),
        model=event.model,
        interrupted=event.interrupted,
    )
