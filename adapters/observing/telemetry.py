"""Whoever wants to be told of the server's work: metrics, traces, both or none."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from importlib.util import find_spec

from adapters.observing.metrics import Metrics
from adapters.settings.settings import Settings, SettingsError
from domain.ports import Clock, Telemetry
from domain.telemetry import TurnReport

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
INSTALL = "make run EXTRAS=otel"


class Telemetries(Telemetry):
    """Tells each of several."""

    def __init__(self, told: Sequence[Telemetry]) -> None:
        self._told = told

    def turn_began(self) -> None:
        for each in self._told:
            each.turn_began()

    def turn_ended(self, report: TurnReport) -> None:
        for each in self._told:
            each.turn_ended(report)

    @contextmanager
    def listening(self) -> Iterator[None]:
        with ExitStack() as stack:
            for each in self._told:
                stack.enter_context(each.listening())
            yield


@asynccontextmanager
async def open_telemetry(settings: Settings, metrics: Metrics | None, clock: Clock) -> AsyncIterator[Telemetry]:
    """Raises `SettingsError` when traces are wanted and what sends them is not installed."""
    told: list[Telemetry] = [metrics] if metrics else []
    async with AsyncExitStack() as stack:
        if endpoint := settings.otel_exporter_otlp_endpoint:
            require_opentelemetry()
            from adapters.observing.traces import open_traces

            told.append(await stack.enter_async_context(open_traces(endpoint, clock)))
        yield Telemetries(told)


def require_opentelemetry() -> None:
    if not is_installed("opentelemetry.sdk") or not is_installed("opentelemetry.exporter.otlp.proto.http"):
        raise SettingsError(
            f"{ENDPOINT}: it is set, but OpenTelemetry is not installed; start with {INSTALL}, or unset the variable"
        )


def is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False
