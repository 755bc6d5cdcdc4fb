"""Whoever is told of the server's work, under one contract."""

from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters.observing.metrics import Metrics
from adapters.observing.telemetry import Telemetries
from adapters.observing.traces import Traces
from domain.ports import Telemetry
from domain.telemetry import Effort, StepName
from tests.builders import turn_report
from tests.fakes.clock import FakeClock
from tests.fakes.telemetry import FakeTelemetry


@pytest.fixture(params=["fake", "metrics", "traces", "both", "none"])
async def telemetry(request: pytest.FixtureRequest) -> AsyncIterator[Telemetry]:
    metrics, traces = Metrics(), Traces(FakeClock(), SimpleSpanProcessor(InMemorySpanExporter()))
    by_name: dict[str, Telemetry] = {
        "fake": FakeTelemetry(),
        "metrics": metrics,
        "traces": traces,
        "both": Telemetries([metrics, traces]),
        "none": Telemetries([]),
    }
    yield by_name[request.param]
    traces.close()


@pytest.mark.parametrize("outcome", ["complete", "interrupted", "failed", "unstored"])
@pytest.mark.parametrize("model", [None, "custom/anything", "builtin/extractive"])
def test_it_takes_every_turn(telemetry: Telemetry, outcome: str, model: str | None) -> None:
    telemetry.turn_began()
    effort = Effort(FakeClock().monotonic, model=model)
    for name in StepName:
        effort.done(name, 0)
    telemetry.turn_ended(turn_report(outcome=outcome, first_word=1.0, ended=2.0, effort=effort))


def test_it_takes_a_turn_of_which_nothing_is_known(telemetry: Telemetry) -> None:
    telemetry.turn_began()
    telemetry.turn_ended(turn_report())


def test_it_does_not_hold_up_what_a_listener_raises(telemetry: Telemetry) -> None:
    with pytest.raises(GeneratorExit), telemetry.listening(), telemetry.listening():
        raise GeneratorExit
