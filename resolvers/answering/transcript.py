"""The transcript of one reply: the only writer of its log, its words, the message that is stored, and the report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.ai.prompts import Utterance
from domain.avatars import Avatar
from domain.ports import Clock, ReplyLog
from domain.reply.emotions import NEUTRAL
from domain.reply.events import (
    EmotionChanged,
    ProviderSwitched,
    ReplyChunk,
    ReplyEvent,
    ReplyStarted,
    ending,
    timeline,
    unstored,
)
from domain.reply.pieces import Cited, Feeling, Piece, Switched, Words
from domain.sessions import Citation, Latency, Message, MessageStatus
from domain.telemetry import INTERRUPTED, UNSTORED, Effort, StepName, TurnReport


@dataclass(frozen=True, slots=True)
class Opened:
    """A turn as it was committed: the visitor's words, and the place of the reply to them.

    `before` are the session's earlier utterances; `history` is the client's own account of them. `informed`: the
    avatar has knowledge to answer from. `accepted` is the clock's monotonic time when the words arrived.
    """

    avatar: Avatar
    message: Message
    reply: Message
    before: Sequence[Utterance]
    history: Sequence[Utterance]
    informed: bool
    accepted: float


class Transcript:
    """Numbers what it is told and appends it to the log. Whoever answers keeps account of the `effort`."""

    def __init__(self, clock: Clock, log: ReplyLog, opened: Opened) -> None:
        self.effort = Effort(clock.monotonic)
        self.effort.done(StepName.ADMIT, opened.accepted)
        self._clock, self._log, self._opened = clock, log, opened
        self._events: list[ReplyEvent] = []
        self._text: list[str] = []
        self._sources: dict[int, Citation] = {}
        self._emotion = NEUTRAL
        self._first_word: float | None = None
        self._spoken = self._ended = opened.accepted
        self._outcome = INTERRUPTED
        self._switches = 0
        self.length = 0

    @property
    def id(self) -> str:
        return self._opened.reply.id

    @property
    def said(self) -> str:
        return "".join(self._text)

    async def begin(self) -> None:
        """Opens the log, so that the reply can be followed from then on."""
        await self._log.open(self.id)
        await self._append(ReplyStarted(self.id, self._next()))

    async def tell(self, piece: Piece) -> None:
        match piece:
            case Words(text):
                self._hear(text)
                await self._append(ReplyChunk(self.id, self._next(), text))
            case Feeling(emotion):
                self._emotion = emotion
                await self._append(EmotionChanged(self.id, self._next(), emotion))
            case Switched(model, reason):
                self._switches += 1
                await self._append(ProviderSwitched(self.id, self._next(), model, reason))
            case Cited(source):
                self._sources[source.number] = source

    def message(self, status: MessageStatus) -> Message:
        """The reply as it is stored, for nothing more will be told."""
        self._spoken = self._clock.monotonic()
        return replace(
            self._opened.reply,
            content=self.said,
            status=status,
            model=self.effort.model,
            emotion=self._emotion,
            sources=tuple(self._sources[number] for number in sorted(self._sources)),
            latency=Latency(
                total=round((self._spoken - self._opened.accepted) * 1000), llm=round(self.effort.llm_seconds * 1000)
            ),
            usage=self.effort.usage,
            timeline=timeline(self._events),
        )

    async def end(self, message: Message) -> None:
        """Closes the log with the event that says how the stored message ended."""
        self._settled(message.status)
        await self._append(ending(message, self._next()))

    async def end_unstored(self) -> None:
        self._settled(UNSTORED)
        await self._append(unstored(self.id, self._next()))

    def report(self) -> TurnReport:
        return TurnReport(
            reply_id=self.id,
            session_id=self._opened.message.session_id,
            avatar_id=self._opened.avatar.id,
            began=self._opened.accepted,
            ended=self._ended,
            first_word=self._first_word,
            outcome=self._outcome,
            switches=self._switches,
            effort=self.effort,
        )

    def _settled(self, outcome: str) -> None:
        self.effort.done(StepName.SETTLE, self._spoken)
        self._ended, self._outcome = self._clock.monotonic(), outcome

    def _hear(self, text: str) -> None:
        if self._first_word is None:
            self._first_word = self._clock.monotonic()
        self._text.append(text)
        self.length += len(text)

    async def _append(self, event: ReplyEvent) -> None:
        self._events.append(event)
        await self._log.append(event)

    def _next(self) -> int:
        return len(self._events) + 1
