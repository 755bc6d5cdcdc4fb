"""The report of a turn: its steps and how they ended."""

import asyncio

import pytest

from domain.ai.models import Candidate
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from domain.telemetry import Effort, Step, StepName, provider_of
from tests.builders import turn_report
from tests.fakes.clock import FakeClock

CUSTOM = Candidate(AiProvider.CUSTOM, "my/model", api_key="secret", base_url="https://models.example")


def test_a_step_lasts_as_long_as_its_block() -> None:
    clock = FakeClock()
    effort = Effort(clock.monotonic)
    clock.advance(1)
    with effort.step(StepName.ATTEMPT, CUSTOM):
        clock.advance(2)
    clock.advance(4)
    effort.done(StepName.SETTLE, began=3)
    assert effort.steps == [
        Step(StepName.ATTEMPT, 1, 3, "ok", "custom/my/model"),
        Step(StepName.SETTLE, 3, 7),
    ]
    assert effort.llm_seconds == 2
    assert "secret" not in repr(effort)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ProviderFailure("http_500"), "http_500"),
        (asyncio.CancelledError(), "interrupted"),
        (GeneratorExit(), "interrupted"),
        (ValueError("a visitor's words"), "failed"),
    ],
)
def test_a_step_says_how_it_ended(error: BaseException, outcome: str) -> None:
    effort = Effort(FakeClock().monotonic)
    with pytest.raises(type(error)), effort.step(StepName.PROMPT):
        raise error
    assert [step.outcome for step in effort.steps] == [outcome]


@pytest.mark.parametrize(
    ("model", "provider"),
    [("groq/llama", "groq"), ("custom/my/model", "custom"), ("builtin/extractive", "builtin"), (None, "none")],
)
def test_the_provider_of_a_model(model: str | None, provider: str) -> None:
    assert provider_of(model) == provider == turn_report(effort=Effort(FakeClock().monotonic, model=model)).provider
