"""The server's metrics, in Prometheus' format."""

import secrets
from contextlib import AbstractContextManager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.ports import Telemetry
from domain.telemetry import StepName, TurnReport, provider_of

MILLISECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
STEPS = (*MILLISECONDS[:-1], *SECONDS[5:])
REQUESTS = (0.005, 0.025, 0.1, 0.5, 2.5, 10)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"})


class Metrics(Telemetry):
    """Every label has few values: none is chosen by a visitor."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"avatarium_{name}", meaning, labels, registry=registry)

        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(f"avatarium_{name}", meaning, registry=registry)

        def histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"avatarium_{name}_seconds", meaning, labels, buckets=buckets, registry=registry)

        self._running = gauge("turns_running", "Turns that have begun and are not over")
        self._listeners = gauge("listeners", "Listeners of replies that are live or have just ended")
        self._sockets = gauge("websockets_open", "WebSockets that are open")
        self._replies = counter("replies", "Replies that are over", "outcome", "provider")
        self._turns = histogram("turn", "From the visitor's words to the end of the reply", SECONDS)
        self._first_words = histogram("turn_first_word", "From the visitor's words to the first of the reply", SECONDS)
        self._llm = histogram("turn_llm", "All models' answers of one turn", SECONDS, "provider")
        self._steps = histogram("turn_step", "The steps of a turn", STEPS, "step")
        self._attempts = counter("provider_attempts", "Models that were asked", "provider", "outcome")
        self._switches = counter("provider_switches", "Models that went on after another's words")
        self._tokens = counter("tokens", "Tokens that models counted, or we estimated", "direction", "provider")
        self._database = histogram("database", "Reads and writes", MILLISECONDS, "work")
        self._database_failures = counter("database_failures", "Reads and writes that were not possible", "work")
        self._requests = histogram(
            "http_request", "Until an answer begins", REQUESTS, "method", "route", "status"
        )  # fmt: skip
        self._step = {name: self._steps.labels(name) for name in StepName}

    def turn_began(self) -> None:
        self._running.inc()

    def turn_ended(self, report: TurnReport) -> None:
        self._running.dec()
        provider = report.provider
        self._replies.labels(report.outcome, provider).inc()
        self._turns.observe(report.ended - report.began)
        if report.first_word is not None:
            self._first_words.observe(report.first_word - report.began)
        if seconds := report.effort.llm_seconds:
            self._llm.labels(provider).observe(seconds)
        self._switches.inc(report.switches)
        self._tokens.labels("input", provider).inc(report.effort.usage.input_tokens)
        self._tokens.labels("output", provider).inc(report.effort.usage.output_tokens)
        for step in report.effort.steps:
            self._step[step.name].observe(step.seconds)
            if step.name is StepName.ATTEMPT:
                self._attempts.labels(provider_of(step.model), step.outcome).inc()

    def listening(self) -> AbstractContextManager[None]:
        return self._listeners.track_inprogress()

    def socket(self) -> AbstractContextManager[None]:
        """Counts one more open WebSocket for as long as the block lasts."""
        return self._sockets.track_inprogress()

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method if method in METHODS else "other", route, status).observe(seconds)

    def asked(self, work: str, seconds: float) -> None:
        """`work` is read or write."""
        self._database.labels(work).observe(seconds)

    def not_answered(self, work: str) -> None:
        self._database_failures.labels(work).inc()


def metrics_routes(metrics: Metrics | None, token: SecretStr | None) -> list[Route]:
    """/metrics, for who sends the token as a bearer. No route where nothing is measured."""
    if metrics is None or token is None:
        return []
    expected = f"Bearer {token.get_secret_value()}".encode()

    async def page(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(given, expected):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        return Response(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    return [Route("/metrics", page)]
