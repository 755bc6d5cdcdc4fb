"""A reply as a numbered log of events: the closed family of events, and what is made of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.sessions import Citation, Latency, Message, MessageStatus
from domain.speech.plain_words import tts_text


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    reply_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class ReplyChunk:
    reply_id: str
    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class EmotionChanged:
    reply_id: str
    seq: int
    emotion: str


@dataclass(frozen=True, slots=True)
class ProviderSwitched:
    """After words were said another model went on. `reason` is one of our own words."""

    reply_id: str
    seq: int
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The reply is over, and `message` is how it is stored."""

    reply_id: str
    seq: int
    message: Message

    @property
    def text(self) -> str:
        return self.message.content

    @property
    def emotion(self) -> str:
        return self.message.emotion

    @property
    def sources(self) -> tuple[Citation, ...]:
        return self.message.sources

    @property
    def latency(self) -> Latency:
        return self.message.latency or Latency(0, 0)

    @property
    def model(self) -> str:
        return self.message.model or ""

    @property
    def interrupted(self) -> bool:
        """It was stopped, and `text` is what was said."""
        return self.message.status is MessageStatus.INTERRUPTED


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """The reply broke off. What was said before is stored."""

    reply_id: str
    seq: int
    code: str
    message: str
    retryable: bool


ReplyEvent = ReplyStarted | ReplyChunk | EmotionChanged | ProviderSwitched | ReplyDone | ReplyFailed
Ending = ReplyDone | ReplyFailed


def merged(chunks: Sequence[ReplyChunk]) -> ReplyChunk:
    """Consecutive chunks as one: all their text, numbered as the last of them."""
    if len(chunks) == 1:
        return chunks[0]
    return replace(chunks[-1], text="".join(chunk.text for chunk in chunks))


def coalesced(events: Sequence[ReplyEvent]) -> list[ReplyEvent]:
    """The same events with each run of chunks merged into one."""
    out: list[ReplyEvent] = []
    run: list[ReplyChunk] = []
    for event in events:
        if isinstance(event, ReplyChunk):
            run.append(event)
            continue
        if run:
            out.append(merged(run))
            run = []
        out.append(event)
    return [*out, merged(run)] if run else out


def timeline(events: Sequence[ReplyEvent]) -> str:
    """How a stored reply's text was numbered, as JSON, so that it can be replayed exactly.

    An array with one entry for each event between the first and the last: the length of a
    chunk's text, or `["emotion", name]`, or `["switched", model, reason]`.
    """
    marks: list[object] = []
    for event in events:
        match event:
            case ReplyChunk(text=text):
                marks.append(len(text))
            case EmotionChanged(emotion=emotion):
                marks.append(["emotion", emotion])
            case ProviderSwitched(model=model, reason=reason):
                marks.append(["switched", model, reason])
    return json.dumps(marks, separators=(",", ":"))


def replayed(message: Message) -> list[ReplyEvent]:
    """The events of a stored reply, with the numbers they had when it was spoken."""
    events: list[ReplyEvent] = [ReplyStarted(message.id, 1)]
    position = 0
    for mark in json.loads(message.timeline) if message.timeline else [len(message.content)] * bool(message.content):
        seq = len(events) + 1
        match mark:
            case int(length):
                events.append(ReplyChunk(message.id, seq, message.content[position : position + length]))
                position += length
            case ["emotion", emotion]:
                events.append(EmotionChanged(message.id, seq, emotion))
            case ["switched", model, reason]:
                events.append(ProviderSwitched(message.id, seq, model, reason))
    return [*events, ending(message, len(events) + 1)]


def resumed(message: Message, after_seq: int) -> list[ReplyEvent]:
    """The events of a stored reply after `after_seq`.

    A reply that a crash cut off kept no numbers; whoever heard more of it than is stored gets its end.
    """
    rest = [event for event in replayed(message) if event.seq > after_seq]
    return rest if rest or message.timeline is not None else [ending(message, after_seq + 1)]


def ending(message: Message, seq: int) -> Ending:
    """The last event of a stored reply. One that is nowhere spoken and yet not ended was never stored."""
    match message.status:
        case MessageStatus.FAILED:
            return failed(message.id, seq)
        case MessageStatus.STREAMING:
            return unstored(message.id, seq)
    return ReplyDone(message.id, seq, message)


def failed(reply_id: str, seq: int) -> ReplyFailed:
    return ReplyFailed(
        reply_id,
        seq,
        code="AI_PROVIDER_ERROR",
        message="The AI provider could not finish this reply. What was said is saved; send the message again to retry.",
        retryable=True,
    )


def unstored(reply_id: str, seq: int) -> ReplyFailed:
    return ReplyFailed(
        reply_id,
        seq,
        code="SERVICE_UNAVAILABLE",
        message="The database did not take this reply. Your message is saved; send it again to retry.",
        retryable=True,
    )


@dataclass(frozen=True, slots=True)
class Spoken:
    """A finished reply folded into one answer, for doors that do not stream."""

    message_id: str
    text: str
    tts_text: str
    emotion: str
    sources: tuple[Citation, ...]
    latency: Latency


def spoken(done: ReplyDone) -> Spoken:
    read = tts_text(done.text, {source.number for source in done.sources})
    return Spoken(done.message.id, done.text, read, done.emotion, done.sources, done.latency)
