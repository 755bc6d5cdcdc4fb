"""The /v1 door over fakes, and the people who come through it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.routing import Mount, Router
from starlette.types import ASGIApp, Scope

import compatibility
from adapters.serving.asgi import RequestContext
from domain.accounts import Identity
from domain.ai.providers import Patience
from resolvers.context import Context, Services
from tests import house
from tests.compatibility.people import OWNER, STRANGER, Connect, Owner, Visitor, bearer
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels
from tests.fakes.sign_in import FakeSignIn

REQUEST_ID = "0b7f3a52-0000-4000-8000-000000000001"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def models() -> ScriptedModels:
    return ScriptedModels()


@pytest.fixture
def sign_in() -> FakeSignIn:
    sign_in = FakeSignIn()
    for name in (OWNER, STRANGER):
        sign_in.add(name, Identity(name, f"{name}@example.com"))
    return sign_in


@pytest.fixture
async def services(
    clock: FakeClock, models: ScriptedModels, sign_in: FakeSignIn, patience: Patience
) -> AsyncIterator[Services]:
    async with house.services(clock=clock, models=models, sign_in=sign_in, patience=patience) as services:
        yield services


@pytest.fixture
def app(services: Services) -> ASGIApp:
    def context(scope: Scope, headers: Headers) -> Context:
        token = headers.get("authorization", "").removeprefix("Bearer ") or None
        return Context(services, REQUEST_ID, headers.get("x-test-ip", "192.0.2.1"), token)

    return RequestContext(Router([Mount("/v1", routes=compatibility.routes())]), context, compatibility.context_headers)


@pytest.fixture
async def http(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A stranger's client."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test/v1") as http:
        yield http


@pytest.fixture
async def owner(http: httpx.AsyncClient) -> Owner:
    return Owner(http, bearer(OWNER))


@pytest.fixture
async def short_id(owner: Owner) -> str:
    """An avatar that is open to everybody."""
    return str((await owner.create())["shortId"])


@pytest.fixture
def connect(app: ASGIApp, short_id: str) -> Connect:
    """Makes a visitor of the open avatar, or of another app or avatar."""

    def connect(query: str = "", token: str | None = None, app: ASGIApp = app, to: str = short_id) -> Visitor:
        return Visitor(app, f"/public/avatar/{to}/ws", query, token)

    return connect
