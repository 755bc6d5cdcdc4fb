"""Whether visitors should be sent to the server, as a load balancer asks it."""

import asyncio
import math
from collections.abc import Callable
from typing import TypeVar

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.routing import Route, Router
from starlette.types import Scope

import compatibility
from adapters.serving.asgi import RequestContext
from domain.errors import Unavailable
from domain.tables import Tx
from resolvers import probe
from resolvers.context import Context, Services
from tests import house
from tests.fakes.clock import FakeClock
from tests.fakes.outer_store import OuterStore
from tests.parts.sqlite import new_store

T = TypeVar("T")


class DownStore(OuterStore):
    async def read(self, work: Callable[[Tx], T]) -> T:
        raise Unavailable("The database cannot be used right now.")


class SilentStore(OuterStore):
    async def read(self, work: Callable[[Tx], T]) -> T:
        await asyncio.Event().wait()
        raise AssertionError


class RefusingStore(OuterStore):
    """Answers what is read, and counts what it was to write."""

    refuses, asked = True, 0

    async def write(self, work: Callable[[Tx], T]) -> T:
        self.asked += 1
        if self.refuses:
            raise Unavailable("The database cannot be used right now.")
        return await super().write(work)


class StuckStore(OuterStore):
    asked = 0

    async def write(self, work: Callable[[Tx], T]) -> T:
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATIENCE", math.inf)


async def asked(services: Services) -> tuple[int, object]:
    def context(_scope: Scope, _headers: Headers) -> Context:
        return Context(services, "request-1", "192.0.2.1")

    app = RequestContext(Router([Route("/ready", compatibility.ready)]), context, compatibility.context_headers)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        response = await http.get("/ready")
    return response.status_code, response.json()


async def test_a_server_that_can_answer_is_ready() -> None:
    async with house.services() as services:
        assert await asked(services) == (200, {"status": "ready"})


@pytest.mark.parametrize("kind", [DownStore, SilentStore])
async def test_a_server_without_its_database_is_not(kind: type[OuterStore], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATIENCE", 0)
    async with new_store() as store, house.services(store=kind(store)) as services:
        assert await asked(services) == (503, {"status": "unready", "reasons": ["DATABASE_UNAVAILABLE"]})


async def test_a_server_whose_database_takes_no_writes_is_not_until_it_does_again() -> None:
    """However often it is asked, the database is at most once a second."""
    clock = FakeClock()
    async with new_store() as inner, house.services(store=(store := RefusingStore(inner)), clock=clock) as services:
        answers = [await asked(services) for _ in range(3)]
        store.refuses = False
        answers.append(await asked(services))
        clock.advance(1)
        back = [await asked(services) for _ in range(3)]
    assert answers == [(503, {"status": "unready", "reasons": ["DATABASE_UNAVAILABLE"]})] * 4
    assert back == [(200, {"status": "ready"})] * 3
    assert store.asked == 2


async def test_a_write_that_has_not_ended_is_no_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATIENCE", 0)
    clock = FakeClock()
    async with new_store() as inner, house.services(store=(store := StuckStore(inner)), clock=clock) as services:
        for _ in range(3):
            assert (await asked(services))[0] == 503
            clock.advance(5)
    assert store.asked == 1


async def test_asking_leaves_nothing_behind() -> None:
    async with new_store() as store, house.services(store=store) as services:
        assert await asked(services) == (200, {"status": "ready"})
        assert await store.read(lambda tx: tx.jobs.is_empty())


async def test_a_server_that_stops_is_not() -> None:
    async with house.services() as services:
        await services.turns.close()
        assert await asked(services) == (503, {"status": "unready", "reasons": ["STOPPING"]})
