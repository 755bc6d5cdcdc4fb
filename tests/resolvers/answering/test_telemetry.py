"""What operators are told of turns."""

import asyncio
from contextlib import aclosing
from typing import cast

import pytest

from domain.ai.providers import TokenCount
from domain.avatars import Avatar
from domain.errors import ProviderFailure
from domain.tables import Tx
from domain.telemetry import TurnReport
from resolvers import chat
from resolvers.context import Context, Services
from tests.builders import a_passage, an_item
from tests.fakes.clock import FakeClock
from tests.fakes.lexicon import add_passages
from tests.fakes.models import ScriptedModels
from tests.fakes.telemetry import FakeTelemetry
from tests.resolvers.talk import FIRST, SECOND, THIRD, begun, heard, started, until_it_speaks
from tests.resolvers.troubled_store import TroubledStore


@pytest.fixture
async def session_id(stranger: Context, avatar: Avatar) -> str:
    return await started(stranger, avatar)


@pytest.fixture
def telemetry(services: Services) -> FakeTelemetry:
    return cast(FakeTelemetry, services.telemetry)


async def told(telemetry: FakeTelemetry, count: int = 1) -> TurnReport:
    """The newest of `count` reports. A turn is told of just after its last event."""
    reports = [await telemetry.reports.get() for _ in range(count)]
    assert telemetry.running == 0
    return reports[-1]


def steps(report: TurnReport) -> list[tuple[str, str]]:
    return [(step.name, step.outcome) for step in report.effort.steps]


def inform(tx: Tx, avatar: Avatar) -> None:
    item = an_item(avatar)
    tx.knowledge.add(item, None)
    add_passages(tx, [a_passage(item, "Otters hold hands.")])


async def test_an_avatar_with_knowledge_recalls(
    stranger: Context, avatar: Avatar, session_id: str, store: TroubledStore, hello: str, telemetry: FakeTelemetry
) -> None:
    await store.write(lambda tx: inform(tx, avatar))
    await chat.ask(stranger, session_id, "Hi")
    assert steps(await told(telemetry))[1] == ("recall", "ok")


async def test_a_whole_turn(
    stranger: Context,
    avatar: Avatar,
    session_id: str,
    models: ScriptedModels,
    telemetry: FakeTelemetry,
    clock: FakeClock,
) -> None:
    gates = asyncio.Event(), asyncio.Event()
    models.script(FIRST, gates[0], "Hello ", gates[1], "there.", TokenCount(9, 2))
    sent = await chat.send(stranger, session_id, "a secret")
    assert telemetry.running == 1
    async with aclosing(chat.follow(stranger, sent.reply_id)) as events:
        await anext(events)
        assert telemetry.listeners == 1
        clock.advance(2)
        gates[0].set()
        await until_it_speaks(events)
        clock.advance(3)
        gates[1].set()
    assert telemetry.listeners == 0
    report = await told(telemetry)
    assert steps(report) == [("admit", "ok"), ("prompt", "ok"), ("attempt", "ok"), ("settle", "ok")]
    assert (report.reply_id, report.session_id, report.avatar_id) == (sent.reply_id, session_id, avatar.id)
    assert (report.outcome, report.effort.model) == ("complete", FIRST)
    assert (report.effort.usage.input_tokens, report.effort.usage.output_tokens, report.switches) == (9, 2, 0)
    assert (report.began, report.first_word, report.ended, report.effort.llm_seconds) == (0, 2, 5, 5)
    assert not [word for word in ("secret", "Hello", "there") if word in repr(report)]


async def test_a_turn_that_changes_its_model(
    stranger: Context, session_id: str, models: ScriptedModels, telemetry: FakeTelemetry
) -> None:
    models.script(FIRST, ProviderFailure("http_500"))
    models.script(SECOND, "Hello ", ProviderFailure("broken_stream"))
    models.script(THIRD, "Hello there.")
    await heard(stranger, (await chat.send(stranger, session_id, "Hi")).reply_id)
    report = await told(telemetry)
    assert [(step.model, step.outcome) for step in report.effort.steps if step.name == "attempt"] == [
        (FIRST, "http_500"),
        (SECOND, "broken_stream"),
        (THIRD, "ok"),
    ]
    assert (report.outcome, report.effort.model, report.switches) == ("complete", THIRD, 1)


async def test_a_turn_that_is_stopped(
    stranger: Context, session_id: str, models: ScriptedModels, telemetry: FakeTelemetry
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event())
    await chat.stop(stranger, await begun(stranger, session_id))
    report = await told(telemetry)
    assert report.outcome == "interrupted"
    assert ("attempt", "interrupted") in steps(report)


async def test_a_turn_that_fails(
    stranger: Context, session_id: str, models: ScriptedModels, telemetry: FakeTelemetry
) -> None:
    models.script(FIRST, ProviderFailure("http_401", refused=True))
    await heard(stranger, (await chat.send(stranger, session_id, "Hi")).reply_id)
    report = await told(telemetry)
    assert (report.outcome, report.effort.model, report.first_word) == ("failed", None, None)
    assert ("attempt", "http_401") in steps(report)


async def test_a_turn_that_the_database_does_not_take(
    stranger: Context, session_id: str, models: ScriptedModels, telemetry: FakeTelemetry, store: TroubledStore
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event())
    reply_id = await begun(stranger, session_id)
    store.broken = True
    gate.set()
    await heard(stranger, reply_id)
    assert (await told(telemetry)).outcome == "unstored"


async def test_a_turn_that_waits_for_another(
    stranger: Context, session_id: str, models: ScriptedModels, telemetry: FakeTelemetry, clock: FakeClock
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event())
    models.script(FIRST, "Hello again.")
    await begun(stranger, session_id)
    second = await chat.send(stranger, session_id, "And?")
    clock.advance(7)
    gate.set()
    await heard(stranger, second.reply_id)
    report = await told(telemetry, 2)
    assert [(step.name, step.seconds) for step in report.effort.steps][:2] == [("admit", 0), ("wait", 7)]
