"""The WebSocket: what is refused, and which refusals end it."""

import math

import httpx
import orjson
import pytest
from starlette.datastructures import Headers
from starlette.routing import Router, WebSocketRoute
from starlette.types import ASGIApp, Scope
from starlette.websockets import WebSocket

import compatibility
from adapters.serving.asgi import RequestContext
from compatibility.public_socket import Conversation
from domain.limits import Hit, Limit
from domain.ports import Limiter
from resolvers.context import Context, Services
from tests import house
from tests.compatibility.people import MODEL, OWNER, Connect, Owner
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels


async def test_a_named_session_that_is_over_is_told(
    connect: Connect, clock: FakeClock, http: httpx.AsyncClient, short_id: str
) -> None:
    session_id = (await http.post(f"/public/avatar/{short_id}/session")).json()["data"]["sessionId"]
    async with connect(f"sessionId={session_id}") as visitor:
        clock.advance(30 * 60)
        await visitor.send("message", content="Hello")
        assert (await visitor.frame())["code"] == "SESSION_EXPIRED"
        await http.post(f"/public/avatar/{short_id}/session/{session_id}/end")
        await visitor.send("message", content="Hello")
        assert (await visitor.frame())["code"] == "SESSION_ENDED"
        await visitor.send("message", content="Hello", sessionId="nothing")
        assert (await visitor.frame())["code"] == "NOT_FOUND"


async def test_sessions_of_sockets_count_against_the_limit(
    connect: Connect, http: httpx.AsyncClient, short_id: str, clock: FakeClock, models: ScriptedModels
) -> None:
    models.script(MODEL, "Hello there.")
    for _ in range(10):
        await http.post(f"/public/avatar/{short_id}/session", headers={"x-test-ip": "192.0.2.1"})
    async with connect() as visitor:
        await visitor.send("message", content="Hello")
        error = await visitor.frame()
        assert (error["code"], error["retryable"]) == ("RATE_LIMIT_EXCEEDED", True)
        assert error["details"] == {"retryAfter": 60}
        clock.advance(60)
        assert (await visitor.say("Hello"))[-1]["fullText"] == "Hello there."


async def test_a_password_is_asked_for_once(
    connect: Connect, owner: Owner, short_id: str, clock: FakeClock, models: ScriptedModels
) -> None:
    models.script(MODEL, "Come in.")
    await owner.change(short_id, password="open sesame")
    async with connect() as visitor:
        await visitor.send("message", content="Hello")
        assert (await visitor.frame())["code"] == "PASSWORD_REQUIRED"
        await visitor.send("message", content="Hello", password="sesame")
        assert (await visitor.frame())["code"] == "INVALID_PASSWORD"
        assert (await visitor.say("Hello", password="open sesame"))[-1]["fullText"] == "Come in."
        clock.advance(30 * 60)
        assert (await visitor.say("Hello"))[-1]["fullText"] == "Come in."


async def test_a_new_password_is_asked_for_within_the_socket(
    connect: Connect, owner: Owner, short_id: str, models: ScriptedModels
) -> None:
    models.script(MODEL, "Come in.")
    async with connect() as visitor:
        await visitor.say("Hello")
        await owner.change(short_id, password="open sesame")
        await visitor.send("message", content="Hello")
        assert (await visitor.frame())["code"] == "PASSWORD_REQUIRED"
        assert (await visitor.say("Hello", password="open sesame"))[-1]["fullText"] == "Come in."


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("hello", "body"),
        ("[]", "body"),
        ("[" * 5000, "body"),
        ("{}", "type"),
        ('{"type": "dance"}', "type"),
        ('{"type": 1}', "type"),
        ('{"type": "message"}', "content"),
        ('{"type": "message", "content": 1}', "content"),
        ('{"type": "message", "content": "a", "history": [{"role": "system", "content": "b"}]}', "history.0.role"),
        ('{"type": "resume"}', "replyId"),
        ('{"type": "resume", "replyId": "a", "afterSeq": "1"}', "afterSeq"),
    ],
)
async def test_bad_frames_are_refused_and_the_socket_stays(connect: Connect, text: str, field: str) -> None:
    async with connect() as visitor:
        await visitor.send_text(text)
        error = await visitor.frame()
        assert (error["type"], error["code"], error["retryable"]) == ("error", "BAD_REQUEST", False)
        assert error["details"]["field"] == field
        await visitor.send("ping")
        assert await visitor.frame() == {"type": "pong"}


async def test_binary_frames_are_refused(connect: Connect) -> None:
    async with connect() as visitor:
        await visitor.send_bytes(b'{"type": "ping"}')
        assert (await visitor.frame())["code"] == "BAD_REQUEST"
        await visitor.send("ping")
        assert await visitor.frame() == {"type": "pong"}


@pytest.mark.parametrize("hidden", [{"isPublic": False}, {"status": "paused"}, None], ids=["private", "paused", "none"])
async def test_an_avatar_that_is_not_open(
    connect: Connect, owner: Owner, short_id: str, hidden: dict[str, object] | None
) -> None:
    if hidden:
        await owner.change(short_id, **hidden)
    async with connect(to=short_id if hidden else "unknown1234") as visitor:
        assert (await visitor.frame())["code"] == "NOT_FOUND"
        assert await visitor.closed() == 4404


@pytest.mark.parametrize("by_query", [True, False])
async def test_an_owner_can_preview(
    connect: Connect, owner: Owner, short_id: str, models: ScriptedModels, by_query: bool
) -> None:
    models.script(MODEL, "Hello there.")
    await owner.change(short_id, isPublic=False)
    query = f"lang=en&token={OWNER}&sessionId=" if by_query else ""
    async with connect(query, token=None if by_query else OWNER) as visitor:
        assert (await visitor.say("Hello"))[-1]["fullText"] == "Hello there."
        assert OWNER.encode() not in visitor.scope["query_string"]
        assert visitor.scope["query_string"] == (b"lang=en&sessionId=" if by_query else b"")


def over(services: Services, *, idle_seconds: float = math.inf) -> ASGIApp:
    """The socket alone, with another patience."""

    async def talk(socket: WebSocket) -> None:
        await Conversation(socket, idle_seconds).run()

    def context(scope: Scope, headers: Headers) -> Context:
        return Context(services, "request", "192.0.2.1")

    route = WebSocketRoute("/v1/public/avatar/{shortId}/ws", talk)
    return RequestContext(Router([route]), context, compatibility.context_headers)


async def test_an_idle_socket_is_closed(connect: Connect, services: Services) -> None:
    async with connect(app=over(services, idle_seconds=0)) as visitor:
        assert await visitor.closed() == 1000


class BrokenLimiter(Limiter):
    async def hit(self, limit: Limit, key: str) -> Hit:
        raise RuntimeError("the visitor said hunter2")


async def test_a_fault_of_ours_is_masked_and_the_socket_stays(
    connect: Connect, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        house.services(store=services.store, limiter=BrokenLimiter()) as broken,
        connect(app=over(broken)) as visitor,
    ):
        await visitor.send("message", content="Hello")
        error = await visitor.frame()
        assert error["code"] == "INTERNAL_ERROR"
        await visitor.send("ping")
        assert await visitor.frame() == {"type": "pong"}
    assert "hunter2" not in orjson.dumps(error).decode() + caplog.text
