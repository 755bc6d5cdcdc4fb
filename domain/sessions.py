"""A session: one visitor's conversation with one avatar, and the messages in it."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import BadRequest, PasswordRequired, SessionEnded, SessionExpired

IDLE_LIMIT = timedelta(minutes=30)
SERVER_LEASE = timedelta(seconds=5)
"""For how long a server counts as living after each time that it said so."""
MESSAGE_MAX = 5000
CLIENT_MESSAGE_ID_MAX = 200
NAME_MAX = 200
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class SessionSource(StrEnum):
    """Where the visitor came from."""

    EMBED = "embed"
    LINK = "link"
    API = "api"
    WIDGET = "widget"
    VOICE = "voice"

    @property
    def is_embedded(self) -> bool:
        return self in (SessionSource.EMBED, SessionSource.WIDGET)


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(StrEnum):
    """`STREAMING` while the avatar speaks; then one of the others, for good."""

    STREAMING = "streaming"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Visitor:
    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """`opened_with` is the mark of the password that it was opened with."""

    id: str
    avatar_id: str
    source: SessionSource
    started_at: datetime
    last_active_at: datetime
    visitor: Visitor = Visitor()
    ended_at: datetime | None = None
    opened_with: str | None = field(default=None, repr=False)

    def require_opened_with(self, mark: str | None) -> None:
        """Raises `PasswordRequired` where the avatar has another password than the session was opened with."""
        if mark is not None and mark != self.opened_with:
            raise PasswordRequired("This avatar asks for its password. Start a new session with it to go on.")

    def is_open(self, now: datetime) -> bool:
        return self.ended_at is None and now - self.last_active_at < IDLE_LIMIT

    def require_open(self, now: datetime) -> None:
        """Raises `SessionEnded`, or `SessionExpired` after 30 minutes without a message."""
        if self.ended_at is not None:
            raise SessionEnded("This session has ended. Start a new one to go on.")
        if not self.is_open(now):
            raise SessionExpired("This session expired after 30 minutes without a message. Start a new one to go on.")


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds. `total`: from send to the last word; `llm`: the provider's share of it."""

    total: int
    llm: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reply cost. `estimated` when a provider did not count its tokens itself."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
            self.estimated or other.estimated,
        )


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Citation:
    """A source of a reply: a passage of the avatar's knowledge.

    `relevance` is from 0 to 1. `number` is what the reply's text cites it by, as `[1]`. `url` and `page`
    say where the owner's document stands, where it stands anywhere.
    """

    title: str
    relevance: float
    number: int = 0
    knowledge_id: str = ""
    passage_id: str = ""
    url: str | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What a visitor or the avatar said. A reply's id is the id of its assistant message."""

    id: str
    session_id: str
    role: Role
    content: str = field(repr=False)
    created_at: datetime
    status: MessageStatus = MessageStatus.COMPLETE
    client_message_id: str | None = None
    in_reply_to: str | None = None
    model: str | None = None
    emotion: str = "neutral"
    sources: tuple[Citation, ...] = ()
    latency: Latency | None = None
    usage: Usage | None = None
    timeline: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """The visitor's message, stored, and the id of the reply to it."""

    message: Message
    reply_id: str


@dataclass(frozen=True, slots=True)
class LatencyStats:
    """Whole milliseconds over all finished replies of a session; zeros without any."""

    p50: int = 0
    p95: int = 0
    avg: int = 0


@dataclass(frozen=True, slots=True)
class SessionReport:
    session_id: str
    question_count: int
    latency: LatencyStats
    summary: str = ""
    topics: tuple[str, ...] = ()
    sentiment: str = "neutral"


def latency_stats(totals: Sequence[int]) -> LatencyStats:
    if not totals:
        return LatencyStats()
    ordered = sorted(totals)
    return LatencyStats(
        p50=nearest_rank(ordered, 0.50),
        p95=nearest_rank(ordered, 0.95),
        avg=round(sum(ordered) / len(ordered)),
    )


def nearest_rank(ordered: Sequence[int], fraction: float) -> int:
    """The nearest-rank percentile: the smallest value that at least `fraction` do not exceed."""
    return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)]


def check_content(content: str) -> str:
    """A visitor's words, of 1 to 5000 characters. Raises `BadRequest`."""
    if not content.strip():
        raise BadRequest.field("message", "cannot be empty")
    if len(content) > MESSAGE_MAX:
        raise BadRequest.field("message", f"can have at most {MESSAGE_MAX} characters")
    if "\x00" in content:
        raise BadRequest.field("message", "cannot contain a NUL character")
    return content


def check_client_message_id(value: str | None) -> str | None:
    if value is not None and not (0 < len(value) <= CLIENT_MESSAGE_ID_MAX and value.isprintable()):
        raise BadRequest.field("clientMessageId", f"takes 1 to {CLIENT_MESSAGE_ID_MAX} printable characters")
    return value


def check_visitor(name: str | None, email: str | None) -> Visitor:
    """A visitor's own words about themselves; empty ones count as absent. Raises `BadRequest`."""
    name, email = (name or "").strip() or None, (email or "").strip() or None
    for label, value in (("visitorName", name), ("visitorEmail", email)):
        if value and (len(value) > NAME_MAX or not is_one_line(value)):
            raise BadRequest.field(label, f"takes one line of at most {NAME_MAX} characters")
    if email and not EMAIL.fullmatch(email):
        raise BadRequest.field("visitorEmail", "takes an e-mail address")
    return Visitor(name, email)


def is_one_line(text: str) -> bool:
    """Whether it has no control characters. The joiners in Persian names and in emoji are none."""
    return not any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text)


def source_of(value: str | None) -> SessionSource:
    try:
        return SessionSource(value or SessionSource.LINK)
    except ValueError:
        raise BadRequest.field("source", f"takes one of {', '.join(SessionSource)}") from None
