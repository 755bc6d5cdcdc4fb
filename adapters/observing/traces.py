"""Traces of every turn, sent over HTTP in OpenTelemetry's protocol.

What it imports is an extra of the installation, so this module is imported only where traces are wanted.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

from domain.ports import Clock, Telemetry
from domain.telemetry import INTERRUPTED, OK, Step, TurnReport, provider_of

WELL = frozenset({OK, INTERRUPTED, "complete"})
NAMESPACE = "avatarium"


class Traces(Telemetry):
    """One span for each turn, with one below it for each of its steps, made when the turn is over."""

    def __init__(self, clock: Clock, processor: SpanProcessor) -> None:
        self._clock = clock
        # Of the two the environment's name counts.
        resource = Resource.create({"service.name": NAMESPACE}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(NAMESPACE)

    def turn_began(self) -> None:
        """A span is made of a turn that is over."""

    def turn_ended(self, report: TurnReport) -> None:
        since = self._clock.now().timestamp() - self._clock.monotonic()
        turn = self._tracer.start_span(
            "turn", start_time=nanoseconds(since + report.began), attributes=attributes(report)
        )
        below = set_span_in_context(turn)
        for step in report.effort.steps:
            span = self._tracer.start_span(
                step.name, below, start_time=nanoseconds(since + step.began), attributes=step_attributes(step)
            )
            end(span, step.outcome, since + step.ended)
        end(turn, report.outcome, since + report.ended)

    def listening(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        """Sends what waits to be sent. May take seconds."""
        self._provider.shutdown()


def attributes(report: TurnReport) -> Mapping[str, str | int | float]:
    told: dict[str, str | int | float] = {
        "avatarium.reply.id": report.reply_id,
        "avatarium.session.id": report.session_id,
        "avatarium.avatar.id": report.avatar_id,
        "avatarium.outcome": report.outcome,
        "avatarium.provider.switches": report.switches,
        "gen_ai.usage.input_tokens": report.effort.usage.input_tokens,
        "gen_ai.usage.output_tokens": report.effort.usage.output_tokens,
    }
    if report.first_word is not None:
        told["avatarium.first_word_seconds"] = report.first_word - report.began
    if report.effort.model:
        told["gen_ai.response.model"] = report.effort.model
    return told


def step_attributes(step: Step) -> Mapping[str, str]:
    told = {"avatarium.outcome": step.outcome}
    if step.model:
        told |= {"gen_ai.provider.name": provider_of(step.model), "gen_ai.request.model": step.model}
    return told


def end(span: Span, outcome: str, at: float) -> None:
    if outcome not in WELL:
        span.set_status(Status(StatusCode.ERROR, outcome))
    span.end(nanoseconds(at))


def nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


@asynccontextmanager
async def open_traces(endpoint: str, clock: Clock) -> AsyncIterator[Traces]:
    """`endpoint` is a collector's address, such as http://127.0.0.1:4318."""
    traces = Traces(clock, BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    try:
        yield traces
    finally:
        await asyncio.to_thread(traces.close)
