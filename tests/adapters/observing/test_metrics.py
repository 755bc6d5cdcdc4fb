"""The metrics, as Prometheus reads them."""

from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.observing.measured_store import measured
from adapters.observing.metrics import Metrics
from domain.ai.models import Candidate
from domain.avatars import AiProvider
from domain.errors import NotFound, Unavailable
from domain.sessions import Usage
from domain.tables import Tx
from domain.telemetry import Effort, StepName
from resolvers.demo import DEMO_SHORT_ID, ensure_demo
from tests import house
from tests.builders import turn_report
from tests.doors.doors import GraphQLSocket, Rest
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels
from tests.parts.sqlite import new_store
from tests.serving import running

TOKEN = "0123456789abcdef0123456789abcdef"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"avatarium_{name}", labels)


def test_a_turn_is_counted(metrics: Metrics) -> None:
    clock = FakeClock()
    metrics.turn_began()
    assert value(metrics, "turns_running") == 1
    effort = Effort(clock.monotonic, model="groq/llama", usage=Usage(9, 2))
    with effort.step(StepName.ATTEMPT, Candidate(AiProvider.GROQ, "llama")):
        clock.advance(2)
    metrics.turn_ended(turn_report(outcome="complete", switches=1, first_word=0.4, ended=3.0, effort=effort))
    assert value(metrics, "turns_running") == 0
    assert value(metrics, "replies_total", outcome="complete", provider="groq") == 1
    assert value(metrics, "turn_seconds_sum") == 3
    assert value(metrics, "turn_first_word_seconds_sum") == 0.4
    assert value(metrics, "turn_llm_seconds_sum", provider="groq") == 2
    assert value(metrics, "turn_step_seconds_count", step="attempt") == 1
    assert value(metrics, "provider_attempts_total", provider="groq", outcome="ok") == 1
    assert value(metrics, "provider_switches_total") == 1
    assert value(metrics, "tokens_total", direction="input", provider="groq") == 9
    assert value(metrics, "tokens_total", direction="output", provider="groq") == 2


def test_listeners_and_sockets_come_and_go(metrics: Metrics) -> None:
    with metrics.listening(), metrics.socket(), metrics.socket():
        assert (value(metrics, "listeners"), value(metrics, "websockets_open")) == (1, 2)
    assert (value(metrics, "listeners"), value(metrics, "websockets_open")) == (0, 0)


def test_a_made_up_method_is_no_label(metrics: Metrics) -> None:
    metrics.request("PROPFIND", "unknown", 405, 0.1)
    assert value(metrics, "http_request_seconds_count", method="other", route="unknown", status="405") == 1


async def test_reads_and_writes_are_measured_and_only_a_database_that_is_away_is_a_failure(
    metrics: Metrics,
) -> None:
    def no_row(_tx: Tx) -> None:
        raise NotFound("nothing here")

    async with new_store() as database:
        store = measured(database, metrics)
        await store.read(lambda tx: tx.accounts.by_id("1"))
        with pytest.raises(NotFound):
            await store.write(no_row)
    with pytest.raises(Unavailable):
        await store.write(no_row)
    assert value(metrics, "database_seconds_count", work="read") == 1
    assert value(metrics, "database_seconds_count", work="write") == 2
    assert value(metrics, "database_failures_total", work="write") == 1


async def test_prometheus_reads_them_with_the_token_only() -> None:
    metrics, models = Metrics(), ScriptedModels()
    models.script("groq/llama-3.3-70b-versatile", "Hello.")
    async with (
        house.services(models=models, telemetry=metrics) as services,
        running(services, metrics, metrics_token=TOKEN) as url,
        aiohttp.ClientSession() as http,
    ):
        await ensure_demo(services.store, services.clock, services.public_url)
        for kind in (Rest, GraphQLSocket):
            door = kind(url, http)
            await door.say(DEMO_SHORT_ID, await door.start(DEMO_SHORT_ID), "Hi")
        for wrong in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": "Bearer é"}):
            async with http.get(f"{url}/metrics", headers=wrong) as response:
                assert (response.status, await response.text()) == (401, "")
        async with http.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            assert response.status == 200
            text = await response.text()
    read = samples(text)
    chat = ("POST", "/v1/public/avatar/{shortId}/chat", "200")
    assert read[("avatarium_http_request_seconds_count", *chat)] == 1
    assert read[("avatarium_http_request_seconds_count", "WEBSOCKET", "/graphql", "101")] == 1
    assert read[("avatarium_replies_total", "complete", "groq")] == 2
    assert DEMO_SHORT_ID not in text


def samples(text: str) -> Mapping[tuple[str, ...], float]:
    found = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {(sample.name, *sample.labels.values()): sample.value for sample in found}


async def test_without_a_token_there_is_no_such_page() -> None:
    async with (
        house.services() as services,
        running(services, Metrics()) as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/metrics") as response,
    ):
        assert response.status == 404


def test_every_metric_is_documented(metrics: Metrics) -> None:
    documented = (ROOT / "docs" / "operations.md").read_text()
    for family in metrics.registry.collect():
        if family.name.startswith("avatarium_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            assert f"`{name}`" in documented
