"""One reply while it is being spoken: from a prompt to events, and to the message that is stored."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from domain.ai.models import REPLY_TOKENS, Candidate, candidates
from domain.ai.prompts import Prompt, Utterance, client_history, estimated_tokens, fitting
from domain.ai.providers import Patience, Piece, Switched, TextPiece, TokenCount
from domain.avatars import Avatar
from domain.errors import ProviderFailure, Unavailable
from domain.failover import Failover, ProviderHealth
from domain.knowledge.retrieval import Recalled
from domain.ports import Clock, Models, ReplyLog, Telemetry, Vault
from domain.reply.answerer import MODEL, answer
from domain.reply.citations import CitationFilter
from domain.reply.emotions import NEUTRAL, EmotionFilter
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
from domain.reply.grounding import grounded
from domain.sessions import Latency, Message, MessageStatus, Role, Usage
from domain.tables import Store
from domain.telemetry import UNSTORED, StepName, TurnReport
from resolvers.answering.recall import Recall

REPLY_MAX_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A turn as it was committed: the visitor's words, and the place of the reply to them.

    `before` are the session's earlier turns; `history` is the client's own account of them. `informed`: the
    avatar has knowledge to answer from. `accepted` is the clock's monotonic time when the words arrived.
    """

    avatar: Avatar
    message: Message
    reply: Message
    before: Sequence[Utterance]
    history: Sequence[Utterance]
    informed: bool
    accepted: float


@dataclass(frozen=True, slots=True)
class AnsweringPorts:
    """The ports that speaking needs."""

    clock: Clock
    store: Store
    replies: ReplyLog
    models: Models
    vault: Vault
    health: ProviderHealth
    patience: Patience
    telemetry: Telemetry
    recall: Recall


class Reply:
    """Speaks one reply into its log. `finished` then gives the message to store, and `report` tells of the turn."""

    def __init__(self, ports: AnsweringPorts, opened: Opened) -> None:
        self.opened = opened
        self._ports = ports
        self._seq = 0
        self._events: list[ReplyEvent] = []
        self._text: list[str] = []
        self._length = 0
        self._filter = EmotionFilter()
        self._citations = CitationFilter(None)
        self._recalled = Recalled()
        self._emotion = NEUTRAL
        self._bill = Bill()
        self._model: str | None = None
        self._llm_seconds = 0.0
        self.report = report_of(ports, opened)

    @property
    def id(self) -> str:
        return self.opened.reply.id

    @property
    def said(self) -> str:
        return "".join(self._text)

    async def begin(self) -> None:
        """Opens the log, so that the reply can be followed from now on."""
        await self._ports.replies.open(self.id)
        await self._emit(ReplyStarted(self.id, self._next()))

    async def speak(self) -> None:
        """Raises `ProviderFailure` when the reply breaks off."""
        avatar = self.opened.avatar
        await self._recall()
        key = self._ports.vault.open(avatar.ai_key) if avatar.ai_key else None
        brains = candidates(avatar, key, self._ports.models.managed())
        if not brains:
            await self._answer_alone(configured=False)
            return
        started = self._ports.clock.monotonic()
        try:
            await self._ask(brains)
        except ProviderFailure as failure:
            if self._length or failure.refused:
                raise
            await self._answer_alone(configured=True)
        finally:
            self._llm_seconds = self._ports.clock.monotonic() - started

    async def end(self, message: Message) -> None:
        """Closes the log with the event that says how the stored message ended."""
        self._settled(message.status)
        await self._ports.replies.append(ending(message, self._next()))

    async def end_unstored(self) -> None:
        self._settled(UNSTORED)
        await self._ports.replies.append(unstored(self.id, self._next()))

    def finished(self, status: MessageStatus) -> Message:
        self.report.ended = self._ports.clock.monotonic()
        return replace(
            self.opened.reply,
            content=self.said,
            status=status,
            model=self._model,
            emotion=self._emotion,
            sources=tuple(
                found.citation() for found in self._recalled.findings if found.number in self._citations.cited
            ),
            latency=Latency(
                total=round((self._ports.clock.monotonic() - self.opened.accepted) * 1000),
                llm=round(self._llm_seconds * 1000),
            ),
            usage=self._bill.usage(),
            timeline=timeline(self._events),
        )

    def _settled(self, outcome: str) -> None:
        report, usage = self.report, self._bill.usage()
        report.done(StepName.SETTLE, report.ended)
        report.ended, report.outcome, report.model = report.now(), outcome, self._model
        report.input_tokens, report.output_tokens = usage.input_tokens, usage.output_tokens

    async def _recall(self) -> None:
        """Without the database the avatar answers from what it is told, and cites nothing."""
        if not self.opened.informed:
            return
        words, avatar_id = self.opened.message.content, self.opened.avatar.id
        with self.report.step(StepName.RECALL):
            try:
                self._recalled = await self._ports.recall.about(avatar_id, words, self._earlier())
            except Unavailable:
                return
        if self._recalled.knows_anything:
            self._citations = CitationFilter(len(self._recalled.findings))

    def _earlier(self) -> Sequence[Utterance]:
        return self.opened.before or client_history(self.opened.history, self.opened.message.content)

    async def _ask(self, brains: Sequence[Candidate]) -> None:
        with self.report.step(StepName.PROMPT):
            prompt = await self._prompt(brains)
        failover = Failover(self._ports.models, self._ports.health, self._ports.patience, self.report)
        try:
            async with aclosing(failover.stream(brains, prompt)) as pieces:
                await self._relay(pieces, failover, prompt)
        finally:
            if failover.speaker:
                self._model = failover.speaker.id
                self._bill.close(failover.speaker, prompt)
        await self._say(self._citations.feed(self._filter.flush()) + self._citations.flush())

    async def _relay(self, pieces: AsyncGenerator[Piece | Switched], failover: Failover, prompt: Prompt) -> None:
        before: Candidate | None = None
        async for piece in pieces:
            if before and before is not failover.speaker:
                self._bill.close(before, prompt)
            before = failover.speaker
            match piece:
                case TextPiece(text):
                    self._bill.heard(text)
                    await self._say(self._citations.feed(self._filter.feed(text)))
                case TokenCount():
                    self._bill.counted(piece)
                case Switched(model, reason):
                    self.report.switches += 1
                    await self._emit(ProviderSwitched(self.id, self._next(), model, reason))
            if self._length >= REPLY_MAX_CHARS:
                return

    async def _prompt(self, brains: Sequence[Candidate]) -> Prompt:
        """The conversation as far as it fits the smallest context of those who may be asked."""
        opened = self.opened
        system = grounded(opened.avatar.system_prompt, self._recalled)
        budget = min(brain.context for brain in brains) - REPLY_TOKENS
        return fitting(system, [*self._earlier(), Utterance(Role.USER, opened.message.content)], budget)

    async def _answer_alone(self, *, configured: bool) -> None:
        self._model = MODEL
        settings, first, asked = self.opened.avatar.settings, not self.opened.before, self.opened.message.content
        for sentence in answer(settings, asked, self._recalled, configured=configured, first=first):
            await self._say(self._citations.feed(sentence))
        await self._say(self._citations.flush())

    async def _say(self, text: str) -> None:
        if (emotion := self._filter.emotion) and emotion != self._emotion:
            self._emotion = emotion
            await self._emit(EmotionChanged(self.id, self._next(), emotion))
        if text:
            if not self._length:
                self.report.first_word = self._ports.clock.monotonic()
            self._text.append(text)
            self._length += len(text)
            await self._emit(ReplyChunk(self.id, self._next(), text))

    async def _emit(self, event: ReplyEvent) -> None:
        self._events.append(event)
        await self._ports.replies.append(event)

    def _next(self) -> int:
        self._seq += 1
        return self._seq


def report_of(ports: AnsweringPorts, opened: Opened) -> TurnReport:
    """The beginning of the report of a turn that has just been committed."""
    report = TurnReport(
        ports.clock.monotonic, opened.reply.id, opened.message.session_id, opened.avatar.id, began=opened.accepted
    )
    report.done(StepName.ADMIT, opened.accepted)
    return report


class Bill:
    """Adds up what the models of one reply cost, by their own count or else by our estimate."""

    def __init__(self) -> None:
        self._input = self._output = 0
        self._cost = 0.0
        self._estimated = False
        self._count: TokenCount | None = None
        self._heard: list[str] = []

    def heard(self, text: str) -> None:
        self._heard.append(text)

    def counted(self, count: TokenCount) -> None:
        self._count = count

    def close(self, speaker: Candidate, prompt: Prompt) -> None:
        """Adds one model's share, now that it has stopped speaking."""
        count = self._count or self._estimate(prompt)
        self._input += count.input_tokens
        self._output += count.output_tokens
        self._cost += speaker.cost(count.input_tokens, count.output_tokens)
        self._count, self._heard = None, []

    def usage(self) -> Usage:
        return Usage(self._input, self._output, self._cost, self._estimated)

    def _estimate(self, prompt: Prompt) -> TokenCount:
        self._estimated = True
        asked = sum(estimated_tokens(message["content"]) for message in prompt.messages())
        return TokenCount(asked, estimated_tokens("".join(self._heard)))
