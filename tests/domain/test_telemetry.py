"""The report of a turn: its steps and how they ended."""

import asyncio

import pytest

from domain.ai.models import Candidate
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from domain.telemetry import Step, StepName, provider_of
from tests.builders import turn_report
from tests.fakes.clock import FakeClock

CUSTOM = Candidate(AiProvider.CUSTOM, "my/model", api_key="secret", base_url="https://models.example")


def test_a_step_lasts_as_long_as_its_block() -> None:
    clock = FakeClock()
    report = turn_report(clock)
    clock.advance(1)
    with report.step(StepName.ATTEMPT, CUSTOM):
        clock.advance(2)
    clock.advance(4)
    report.done(StepName.SETTLE, began=3)
    assert report.steps == [
        Step(StepName.ATTEMPT, 1, 3, "ok", "custom/my/model"),
        Step(StepName.SETTLE, 3, 7),
    ]
    assert report.llm_seconds == 2
    assert "secret" not in repr(report)


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
    report = turn_report()
    with pytest.raises(type(error)), report.step(StepName.PROMPT):
        raise error
    assert [step.outcome for step in report.steps] == [outcome]


@pytest.mark.parametrize(
    ("model", "provider"),
    [("groq/llama", "groq"), ("custom/my/model", "custom"), ("builtin/extractive", "builtin"), (None, "none")],
)
def test_the_provider_of_a_model(model: str | None, provider: str) -> None:
    assert provider_of(model) == provider == turn_report(model=model).provider
