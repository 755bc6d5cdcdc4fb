"""What operators are told of a turn: how long its steps took and how it ended, without a word that was said in it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from domain.ai.models import Candidate
from domain.errors import ProviderFailure
from domain.sessions import NO_USAGE, Usage

OK, INTERRUPTED, FAILED, UNSTORED = "ok", "interrupted", "failed", "unstored"
NOBODY = "none"


class StepName(StrEnum):
    ADMIT = "admit"
    """From the visitor's words to their commit."""
    WAIT = "wait"
    """Until the session's earlier replies are over."""
    RECALL = "recall"
    """Looking up what the avatar knows about the visitor's words."""
    PROMPT = "prompt"
    ATTEMPT = "attempt"
    """One model's answer, or its failure."""
    SETTLE = "settle"
    """From the last word to the commit of the reply."""


@dataclass(frozen=True, slots=True)
class Step:
    """`began` and `ended` are monotonic seconds. `outcome` is ok, interrupted, failed or a provider's reason."""

    name: StepName
    began: float
    ended: float
    outcome: str = OK
    model: str | None = None

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(slots=True)
class Effort:
    """What a reply takes while it is made: the steps, the model that spoke last, and what all models cost.

    `now` is the clock. Ids, models' names, counts and monotonic seconds, never a word.
    """

    now: Callable[[], float]
    steps: list[Step] = field(default_factory=list)
    model: str | None = None
    usage: Usage = NO_USAGE

    @property
    def llm_seconds(self) -> float:
        return sum(step.seconds for step in self.steps if step.name is StepName.ATTEMPT)

    def done(self, name: StepName, began: float) -> None:
        """Adds a step that ends now, and well."""
        self.steps.append(Step(name, began, self.now()))

    @contextmanager
    def step(self, name: StepName, asked: Candidate | None = None) -> Iterator[None]:
        """Adds a step that ends with the block, however that ends."""
        began, outcome = self.now(), OK
        try:
            yield
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            self.steps.append(Step(name, began, self.now(), outcome, asked.id if asked else None))


@dataclass(frozen=True, slots=True)
class TurnReport:
    """A turn that is over. `began`, `first_word` and `ended` are monotonic seconds.

    `outcome` is complete, interrupted, failed or unstored.
    """

    reply_id: str
    session_id: str
    avatar_id: str
    began: float
    ended: float
    first_word: float | None
    outcome: str
    switches: int
    effort: Effort

    @property
    def provider(self) -> str:
        return provider_of(self.effort.model)


def outcome_of(error: BaseException) -> str:
    if isinstance(error, ProviderFailure):
        return error.reason
    return INTERRUPTED if isinstance(error, asyncio.CancelledError | GeneratorExit) else FAILED


def provider_of(model: str | None) -> str:
    """Our ids of models begin with the provider's name, of which there are few."""
    return model.partition("/")[0] if model else NOBODY
