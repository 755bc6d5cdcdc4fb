"""The frames of the WebSocket: what visitors send, parsed, and what they are sent."""

from dataclasses import asdict, dataclass

from compatibility.shapes import HistoryItem, RequestShape, SourceShape, parsed
from domain.errors import AvatariumError, BadRequest
from domain.reply.events import (
    EmotionChanged,
    ProviderSwitched,
    ReplyChunk,
    ReplyDone,
    ReplyEvent,
    ReplyFailed,
    ReplyStarted,
    spoken,
)

Frame = dict[str, object]

PROTOCOL = """\
Every frame is a JSON object in a text frame of at most 64 KiB. A browser, which cannot set headers,
may send its bearer token as `?token=`. `?sessionId=` names a session to go on with; without one, the
first message opens a session, which counts against the limit of new sessions.

You send:

- `{"type": "message", "content"}`, optionally with `sessionId`, `history` (as for chat),
  `clientMessageId` and `password`. Messages sent while a reply streams wait for their turn, up to 16.
- `{"type": "stop"}`: stops the reply, which then ends with `done` and `interrupted: true`.
- `{"type": "resume", "replyId", "afterSeq"}`: goes on with a reply after the last `seq` you have.
- `{"type": "ping"}`: is answered with `{"type": "pong"}`.

You are sent, for each reply in this order (ignore types that you do not know):

- `{"type": "started", "sessionId", "messageId", "replyId", "seq"}`: your message `messageId` is stored.
- `{"type": "chunk", "content", "replyId", "seq"}`: the next words.
- `{"type": "emotion", "emotion", "replyId", "seq"}` and
  `{"type": "switched", "model", "reason", "replyId", "seq"}`: from here on another model speaks.
- `{"type": "done", "fullText", "ttsText", "displayText", "emotion", "sources", "latency", "model",
  "interrupted", "sessionId", "messageId", "replyId", "seq"}`: `fullText` is all chunks joined, stored as
  the message `messageId`.
- `{"type": "error", "code", "message", "retryable"}` instead of `done` when a reply breaks off (then with
  `replyId` and `seq`), and for a frame that was refused. The socket stays open, but it closes with 4404 for
  an unknown avatar, with 4403 for one that may not be embedded on the site that asks, with 1009 after a
  frame over 64 KiB, and with 1000 after 30 minutes without a frame.
"""


class Typed(RequestShape):
    type: str


class MessageFrame(RequestShape):
    content: str
    session_id: str | None = None
    history: tuple[HistoryItem, ...] = ()
    client_message_id: str | None = None
    password: str | None = None


class ResumeFrame(RequestShape):
    reply_id: str
    after_seq: int = 0


class StopFrame(RequestShape):
    pass


class PingFrame(RequestShape):
    pass


Incoming = MessageFrame | ResumeFrame | StopFrame | PingFrame
INCOMING: dict[str, type[Incoming]] = {
    "message": MessageFrame,
    "resume": ResumeFrame,
    "stop": StopFrame,
    "ping": PingFrame,
}


@dataclass(frozen=True, slots=True)
class InReplyTo:
    """What a socket knows of the question to a reply. A resumed reply may be another socket's."""

    session_id: str | None
    message_id: str | None = None


def incoming(text: str) -> Incoming:
    """Raises `BadRequest`."""
    shape = INCOMING.get(parsed(Typed, text).type)
    if shape is None:
        raise BadRequest.field("type", f"takes one of {', '.join(INCOMING)}")
    return parsed(shape, text)


def event_frame(event: ReplyEvent, in_reply_to: InReplyTo) -> Frame:
    match event:
        case ReplyStarted():
            told: Frame = {"type": "started", "sessionId": in_reply_to.session_id, "messageId": in_reply_to.message_id}
        case ReplyChunk(text=text):
            told = {"type": "chunk", "content": text}
        case EmotionChanged(emotion=emotion):
            told = {"type": "emotion", "emotion": emotion}
        case ProviderSwitched(model=model, reason=reason):
            told = {"type": "switched", "model": model, "reason": reason}
        case ReplyDone():
            told = done_frame(event, in_reply_to)
        case ReplyFailed(code=code, message=message, retryable=retryable):
            told = {"type": "error", "code": code, "message": message, "retryable": retryable}
    told["replyId"] = event.reply_id
    told["seq"] = event.seq
    return told


def done_frame(done: ReplyDone, in_reply_to: InReplyTo) -> Frame:
    answer = spoken(done)
    return {
        "type": "done",
        "fullText": answer.text,
        "sessionId": in_reply_to.session_id,
        "messageId": answer.message_id,
        "ttsText": answer.tts_text,
        "displayText": answer.text,
        "emotion": answer.emotion,
        "sources": [SourceShape.of(source).model_dump() for source in answer.sources],
        "latency": asdict(answer.latency),
        "model": done.model,
        "interrupted": done.interrupted,
    }


def error_frame(error: AvatariumError) -> Frame:
    told: Frame = {"type": "error", "code": error.code, "message": error.message, "retryable": error.retryable}
    return {**told, "details": error.details} if error.details else told
