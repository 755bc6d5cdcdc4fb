"""A model made of models: asks one candidate after the other until a reply is whole."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from domain.ai.bill import Bill
from domain.ai.continuation import Continuation
from domain.ai.models import Candidate
from domain.ai.prompts import Prompt
from domain.ai.providers import Delta, Patience, TokenCount
from domain.errors import ProviderFailure
from domain.ports import Clock, Models
from domain.reply.pieces import Switched, Words
from domain.telemetry import Effort, StepName

log = logging.getLogger("avatarium.failover")

COOLDOWN = 30.0
LONGEST_COOLDOWN = 300.0
NOBODY_TO_ASK = "no_candidate"
ATTEMPT_MAX_CHARS = 200_000
"""Far more than a reply may have: what a model gives beyond it is blank, or repeats what was said."""


class ProviderHealth:
    """Remembers which candidates failed lately, so that the next reply asks them last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._down_until: dict[Candidate, float] = {}

    def ordered(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The healthy ones first; each part keeps its order."""
        return sorted(candidates, key=self._is_down)

    def failed(self, candidate: Candidate, retry_after: float | None) -> None:
        now = self._clock.monotonic()
        self._down_until = {who: until for who, until in self._down_until.items() if until > now}
        self._down_until[candidate] = now + (COOLDOWN if retry_after is None else min(retry_after, LONGEST_COOLDOWN))

    def spoke(self, candidate: Candidate) -> None:
        self._down_until.pop(candidate, None)

    def _is_down(self, candidate: Candidate) -> bool:
        return self._down_until.get(candidate, 0.0) > self._clock.monotonic()


class Failover:
    """Streams one reply from whoever can speak it; made anew for each reply.

    An error before the first word leads to the next candidate, silently. A break or a stall after
    words were said leads to the next candidate too, which goes on from there, announced by
    `Switched`. A refusal (HTTP 400, 401, 403) is final, since it is the caller's own fault; only where it is
    the server's key that is refused, the next candidate is asked, as after any other error.
    Each attempt is a step of the `effort`, and its bill a part of what that cost.
    """

    def __init__(self, models: Models, health: ProviderHealth, patience: Patience, effort: Effort) -> None:
        self._models = models
        self._health = health
        self._patience = patience
        self._effort = effort
        self._said: list[str] = []

    async def stream(self, candidates: Sequence[Candidate], prompt: Prompt) -> AsyncGenerator[Words | Switched]:
        """Raises the last candidate's `ProviderFailure` when nobody is left to ask."""
        failure = ProviderFailure(NOBODY_TO_ASK)
        deadline = asyncio.get_running_loop().time() + self._patience.total
        for candidate in self._health.ordered(candidates):
            try:
                with self._effort.step(StepName.ATTEMPT, candidate):
                    async with aclosing(self._announced(candidate, prompt, deadline, failure.reason)) as pieces:
                        async for piece in pieces:
                            yield piece
            except ProviderFailure as error:
                failure = for_caller(error, candidate)
                if failure.refused:
                    break
                self._health.failed(candidate, error.retry_after)
                continue
            self._health.spoke(candidate)
            return
        raise failure

    async def _announced(
        self, candidate: Candidate, prompt: Prompt, deadline: float, reason: str
    ) -> AsyncGenerator[Words | Switched]:
        """One candidate's words, with `Switched` before the first if others spoke before it."""
        resuming = bool(self._said)
        async with aclosing(self._joined(candidate, prompt, deadline)) as texts:
            async for text in texts:
                self._effort.model = candidate.id
                if resuming:
                    resuming = False
                    yield Switched(candidate.id, reason)
                yield Words(text)

    async def _joined(self, candidate: Candidate, prompt: Prompt, deadline: float) -> AsyncGenerator[str]:
        """One candidate's words, joined to what was said before it. No reply begins with white space."""
        said = "".join(self._said)
        join = Continuation(said)
        spoke = False
        async with aclosing(self._billed(candidate, replace(prompt, said=said), deadline)) as texts:
            async for text in texts:
                spoke = spoke or bool(text.strip())
                if joined := join.feed(text):
                    self._said.append(joined)
                    yield joined
        if rest := join.flush():
            self._said.append(rest)
            yield rest
        if not spoke:
            raise ProviderFailure("empty_reply")

    async def _billed(self, candidate: Candidate, prompt: Prompt, deadline: float) -> AsyncGenerator[str]:
        """One candidate's words as it gives them. However it ends, what it gave is paid."""
        bill = Bill(candidate, prompt)
        try:
            async with aclosing(self._timed(candidate, prompt, deadline)) as deltas:
                async for delta in deltas:
                    if isinstance(delta, TokenCount):
                        bill.counted(delta)
                    else:
                        bill.said(delta.text)
                        if bill.characters > ATTEMPT_MAX_CHARS:
                            raise ProviderFailure("endless_reply")
                        yield delta.text
        finally:
            self._effort.usage += bill.usage()

    async def _timed(self, candidate: Candidate, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta]:
        """One candidate's stream, each part within our patience."""
        now = asyncio.get_running_loop().time
        async with aclosing(self._models.stream(candidate, prompt)) as deltas:
            wait, reason = self._patience.first_token, "first_token_timeout"
            while True:
                until = now() + wait
                if until > deadline:
                    until, reason = deadline, "total_timeout"
                try:
                    async with asyncio.timeout_at(until):
                        delta = await anext(deltas)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise ProviderFailure(reason) from None
                yield delta
                wait, reason = self._patience.between_tokens, "stalled"


def for_caller(failure: ProviderFailure, candidate: Candidate) -> ProviderFailure:
    """The failure as the avatar's owner has to take it: a bad key of the server is none of their doing."""
    if not (failure.of_key and candidate.is_managed):
        return failure
    log.error("%s refuses this server's key: %s", candidate.provider, failure.reason)
    return ProviderFailure(failure.reason, retry_after=failure.retry_after)
