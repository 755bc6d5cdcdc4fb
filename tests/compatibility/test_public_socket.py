"""The WebSocket: a visitor's conversation, streamed."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest
from starlette.datastructures import Headers
from starlette.routing import Router, WebSocketRoute
from starlette.types import ASGIApp, Scope
from starlette.websockets import WebSocket

import compatibility
from adapters.asgi import RequestContext
from compatibility.public_socket import FRAME_MAX_BYTES, WAITING_MAX, Conversation
from domain.errors import ProviderFailure
from domain.limits import Hit, Limit
from domain.ports import Limiter
from domain.sessions import Role
from resolvers.context import Context, Services
from tests import house
from tests.compatibility.people import MODEL, OWNER, SOON, Owner, Visitor
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels

Connect = Callable[..., Visitor]


@pytest.fixture
def connect(app: ASGIApp, short_id: str) -> Connect:
    """Makes a visitor of the open avatar."""

    def connect(query: str = "", token: str | None = None, app: ASGIApp = app, to: str = short_id) -> Visitor:
        return Visitor(app, f"/public/avatar/{to}/ws", query, token)

    return connect


def types(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["type"] for frame in frames]


async def test_the_client_of_the_api_reference(connect: Connect, models: ScriptedModels) -> None:
    """It sends at once, without a session, and knows only `chunk` and `done`."""
    models.script(MODEL, "[happy] Hello ", "there", "!")
    async with connect() as visitor:
        frames = await visitor.say("Hello! Tell me about your product.")
    written = "".join(frame["content"] for frame in frames if frame["type"] == "chunk")
    assert written == "Hello there!"
    assert frames[-1]["fullText"] == written


async def test_every_frame_of_a_reply(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "[happy] **Hello** ", ProviderFailure("broken_stream"))
    models.script("openai/gpt-4o-mini", "there!")
    async with connect() as visitor:
        frames = await visitor.say("Hello!")
    started, done = frames[0], frames[-1]
    assert set(started) == {"type", "sessionId", "messageId", "replyId", "seq"}
    assert set(done) == {
        "type", "fullText", "sessionId", "messageId", "replyId", "seq", "ttsText", "displayText",
        "emotion", "sources", "latency", "model", "interrupted",
    }  # fmt: skip
    assert types(frames) == ["started", "emotion", "chunk", "switched", "chunk", "done"]
    assert [frame["seq"] for frame in frames] == [1, 2, 3, 4, 5, 6]
    assert {frame["replyId"] for frame in frames} == {done["messageId"]}
    assert started["messageId"] != done["messageId"]
    assert started["sessionId"] == done["sessionId"]
    assert frames[1]["emotion"] == done["emotion"] == "happy"
    assert (frames[3]["model"], frames[3]["reason"]) == ("openai/gpt-4o-mini", "broken_stream")
    assert (done["fullText"], done["ttsText"]) == ("**Hello** there!", "Hello there!")
    assert (done["interrupted"], done["sources"], done["model"]) == (False, [], "openai/gpt-4o-mini")
    assert set(done["latency"]) == {"total", "llm"}


async def test_a_reply_that_breaks_off(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Let me ", ProviderFailure("broken_stream"))
    async with connect() as visitor:
        await visitor.send("message", content="Hello!")
        error = (await visitor.frames("error"))[-1]
        assert (error["code"], error["retryable"]) == ("AI_PROVIDER_ERROR", True)
        assert {"replyId", "seq", "message"} <= set(error)
        await visitor.send("ping")
        assert await visitor.frame() == {"type": "pong"}


async def test_one_session_is_opened_and_kept(connect: Connect, models: ScriptedModels, owner: Owner) -> None:
    models.script(MODEL, "Noted.")
    async with connect() as visitor:
        first = (await visitor.say("My name is Ada."))[-1]
        second = (await visitor.say("Who am I?"))[-1]
    assert first["sessionId"] == second["sessionId"]
    assert "My name is Ada." in [turn.content for turn in models.prompts[-1].turns]
    listed = (await owner.request("GET", "/consumer-avatars")).json()["data"][0]
    assert listed["conversationCount"] == 1


async def test_messages_wait_for_their_turn(connect: Connect, models: ScriptedModels) -> None:
    more = asyncio.Event()
    models.script(MODEL, "One ", more, "done.")
    models.script(MODEL, "Two done.")
    async with connect() as visitor:
        await visitor.send("message", content="First")
        await visitor.send("message", content="Second")
        await visitor.send("ping")
        until_pong = await visitor.frames("pong")
        more.set()
        frames = [*until_pong, *await visitor.frames(), *await visitor.frames()]
    assert "done" not in types(until_pong)
    assert [frame["fullText"] for frame in frames if frame["type"] == "done"] == ["One done.", "Two done."]
    assert [turn.role for turn in models.prompts[-1].turns] == [Role.USER, Role.ASSISTANT, Role.USER]


async def test_only_so_many_messages_can_wait(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, asyncio.Event())
    async with connect() as visitor:
        for number in range(WAITING_MAX + 2):
            await visitor.send("message", content=f"Number {number}")
        error = (await visitor.frames("error"))[-1]
        assert error["code"] == "BAD_REQUEST"


async def test_stop(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "It was a dark ", asyncio.Event(), "and stormy night.")
    models.script(MODEL, "The end.")
    async with connect() as visitor:
        await visitor.send("message", content="Tell me a story.")
        await visitor.frames("chunk")
        await visitor.send("stop")
        done = await visitor.frame()
        assert (done["type"], done["interrupted"], done["fullText"]) == ("done", True, "It was a dark ")
        assert (await visitor.say("Thanks."))[-1]["fullText"] == "The end."


async def test_stop_right_after_a_message_stops_its_reply(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, asyncio.Event())
    async with connect() as visitor:
        await visitor.send("message", content="Tell me a story.")
        await visitor.send("stop")
        done = (await visitor.frames())[-1]
        assert (done["interrupted"], done["fullText"]) == (True, "")


async def test_stop_without_a_reply_changes_nothing(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Hello there.")
    async with connect() as visitor:
        await visitor.send("stop")
        assert (await visitor.say("Hello"))[-1]["interrupted"] is False


async def test_a_reply_goes_on_without_its_visitor_and_can_be_resumed(connect: Connect, models: ScriptedModels) -> None:
    more = asyncio.Event()
    models.script(MODEL, "One ", more, "two ", "three.")
    async with connect() as visitor:
        await visitor.send("message", content="Count.")
        seen = (await visitor.frames("chunk"))[-1]
    more.set()
    async with connect() as visitor:
        await visitor.send("resume", replyId=seen["replyId"], afterSeq=seen["seq"])
        frames = await visitor.frames()
    assert "".join(frame["content"] for frame in frames[:-1]) == "two three."
    assert frames[-1]["fullText"] == "One two three."
    assert frames[-1]["interrupted"] is False
    assert models.closed == 0


async def test_resuming_from_the_start_repeats_everything(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Hello there.")
    async with connect() as visitor:
        frames = await visitor.say("Hello")
        await visitor.send("resume", replyId=frames[0]["replyId"])
        again = await visitor.frames()
    assert [(frame["type"], frame["seq"]) for frame in again] == [(frame["type"], frame["seq"]) for frame in frames]


async def test_resuming_what_never_was(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Hello there.")
    async with connect() as visitor:
        await visitor.send("resume", replyId="nothing")
        assert (await visitor.frame())["code"] == "NOT_FOUND"
        await visitor.send("resume", replyId="nothing", afterSeq=-1)
        assert (await visitor.frame())["details"]["field"] == "afterSeq"
        assert (await visitor.say("Hello"))[-1]["fullText"] == "Hello there."


async def test_a_visitor_who_is_cut_off(connect: Connect, models: ScriptedModels) -> None:
    more = asyncio.Event()
    models.script(MODEL, "One ", more, "two.")
    visitor = connect()
    async with visitor:
        await visitor.send("message", content="Count.")
        reply_id = (await visitor.frames("chunk"))[-1]["replyId"]
        more.set()
        await visitor.vanish()
    async with connect() as visitor:
        await visitor.send("resume", replyId=reply_id)
        assert (await visitor.frames())[-1]["fullText"] == "One two."


async def test_a_message_sent_again_continues_the_same_reply(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Once.")
    async with connect() as visitor:
        first = (await visitor.say("Hello", clientMessageId="c-1"))[-1]
    async with connect(f"sessionId={first['sessionId']}") as visitor:
        assert (await visitor.say("Hello", clientMessageId="c-1"))[-1] == first
    assert len(models.calls) == 1


async def test_history_may_repeat_the_message(connect: Connect, models: ScriptedModels) -> None:
    models.script(MODEL, "Hello there.")
    history = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Hello"},
    ]
    async with connect() as visitor:
        await visitor.say("Hello", history=history)
    assert [turn.content for turn in models.prompts[0].turns] == ["Hi", "Yes?", "Hello"]


@pytest.mark.parametrize("by_frame", [True, False])
async def test_a_named_session(connect: Connect, http: httpx.AsyncClient, short_id: str, by_frame: bool) -> None:
    session_id = (await http.post(f"/public/avatar/{short_id}/session")).json()["data"]["sessionId"]
    named = {"sessionId": session_id} if by_frame else {}
    async with connect("" if by_frame else f"sessionId={session_id}") as visitor:
        first = (await visitor.say("Hello", **named))[-1]
        second = (await visitor.say("Hello again"))[-1]
    assert first["sessionId"] == second["sessionId"] == session_id


async def test_a_session_of_its_own_is_renewed_silently(
    connect: Connect, models: ScriptedModels, clock: FakeClock, http: httpx.AsyncClient, short_id: str
) -> None:
    models.script(MODEL, "Hello there.")
    async with connect() as visitor:
        first = (await visitor.say("Hello"))[-1]
        clock.advance(30 * 60)
        second = (await visitor.say("Hello again"))[-1]
        await http.post(f"/public/avatar/{short_id}/session/{second['sessionId']}/end")
        third = (await visitor.say("Still here"))[-1]
    assert len({first["sessionId"], second["sessionId"], third["sessionId"]}) == 3
    assert third["fullText"] == "Hello there."


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


async def test_an_oversized_frame_ends_the_socket(connect: Connect) -> None:
    async with connect() as visitor:
        await visitor.send_text("é" * (FRAME_MAX_BYTES // 2 + 1))
        assert (await visitor.frame())["code"] == "BAD_REQUEST"
        assert await visitor.closed() == 1009


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


def over(services: Services, *, idle_seconds: float) -> ASGIApp:
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
        connect(app=over(broken, idle_seconds=SOON)) as visitor,
    ):
        await visitor.send("message", content="Hello")
        error = await visitor.frame()
        assert error["code"] == "INTERNAL_ERROR"
        await visitor.send("ping")
        assert await visitor.frame() == {"type": "pong"}
    assert "hunter2" not in orjson.dumps(error).decode() + caplog.text
