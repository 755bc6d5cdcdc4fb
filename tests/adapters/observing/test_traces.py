"""The traces of turns, and what is said when they cannot be made."""

import sys

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from adapters.observing.telemetry import open_telemetry
from adapters.observing.traces import Traces, open_traces
from adapters.settings.settings import Settings, SettingsError
from domain.ai.models import Candidate
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from domain.sessions import Usage
from domain.telemetry import Effort, StepName
from tests.builders import turn_report
from tests.fakes.clock import START, FakeClock
from tests.parts.collector import running_collector

GROQ, OPENAI = Candidate(AiProvider.GROQ, "llama", api_key="secret"), Candidate(AiProvider.OPENAI, "gpt")
NOON = round(START.timestamp() * 1e9)
SECOND = 10**9


def traced(clock: FakeClock, outcome: str) -> list[ReadableSpan]:
    """The spans of a turn in which one model failed and another spoke for two seconds; the turn's own is the last."""
    exporter = InMemorySpanExporter()
    traces = Traces(clock, SimpleSpanProcessor(exporter))
    effort = Effort(clock.monotonic, model=OPENAI.id, usage=Usage(9, 2))
    clock.advance(1)
    with pytest.raises(ProviderFailure), effort.step(StepName.ATTEMPT, GROQ):
        raise ProviderFailure("http_500")
    with effort.step(StepName.ATTEMPT, OPENAI):
        clock.advance(2)
    report = turn_report(outcome=outcome, ended=clock.monotonic(), first_word=1.5, effort=effort)
    clock.advance(60)
    traces.turn_ended(report)
    traces.close()
    return list(exporter.get_finished_spans())


def test_a_turn_is_one_trace_with_a_span_for_each_step() -> None:
    refused, spoke, turn = traced(FakeClock(), "complete")
    assert [span.name for span in (refused, spoke, turn)] == ["attempt", "attempt", "turn"]
    assert (turn.start_time, turn.end_time) == (NOON, NOON + 3 * SECOND)
    assert (spoke.start_time, spoke.end_time) == (NOON + SECOND, NOON + 3 * SECOND)
    assert turn.parent is None
    assert turn.context
    assert {span.parent.span_id for span in (refused, spoke) if span.parent} == {turn.context.span_id}
    assert {span.context.trace_id for span in (refused, spoke) if span.context} == {turn.context.trace_id}


def test_attributes_are_ids_models_and_counts() -> None:
    refused, _, turn = traced(FakeClock(), "complete")
    assert dict(turn.attributes or {}) == {
        "avatarium.reply.id": "reply-1",
        "avatarium.session.id": "session-1",
        "avatarium.avatar.id": "avatar-1",
        "avatarium.outcome": "complete",
        "avatarium.provider.switches": 0,
        "avatarium.first_word_seconds": 1.5,
        "gen_ai.response.model": "openai/gpt",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 2,
    }
    assert dict(refused.attributes or {}) == {
        "avatarium.outcome": "http_500",
        "gen_ai.provider.name": "groq",
        "gen_ai.request.model": "groq/llama",
    }


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("complete", StatusCode.UNSET),
        ("interrupted", StatusCode.UNSET),
        ("failed", StatusCode.ERROR),
        ("unstored", StatusCode.ERROR),
    ],
)
def test_a_failure_is_an_error(outcome: str, status: StatusCode) -> None:
    refused, spoke, turn = traced(FakeClock(), outcome)
    assert (refused.status.status_code, spoke.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    assert turn.status.status_code is status


async def test_a_collector_gets_them_at_the_latest_when_the_server_stops() -> None:
    async with running_collector() as collector:
        async with open_traces(collector.url, FakeClock()) as traces:
            traces.turn_ended(turn_report(outcome="complete"))
        assert [span.name for span in collector.spans] == ["turn"]
        assert collector.service == "avatarium"


async def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/")
    settings = Settings(_env_file=None)
    assert settings.otel_exporter_otlp_endpoint == "http://127.0.0.1:4318"
    monkeypatch.setattr("adapters.observing.telemetry.find_spec", lambda _name: None)
    monkeypatch.delitem(sys.modules, "adapters.observing.traces")
    with pytest.raises(SettingsError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT.*make run EXTRAS=otel"):
        async with open_telemetry(settings, None, FakeClock()):
            pass
