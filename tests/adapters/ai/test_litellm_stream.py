"""The road over LiteLLM against a server of Anthropic's protocol that fails on demand."""

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from adapters.ai.litellm_planner import LitellmPlanner
from adapters.ai.litellm_stream import DIALECTS, LitellmCall, LitellmStream
from adapters.ai.openai_stream import open_session
from domain.ai.models import REPLY_TOKENS
from domain.ai.providers import Delta, TextDelta, TokenCount
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from tests.parts.ports import free_port

Event = dict[str, object]

KEY = "sk-very-secret"
WORDS = "very secret words"
START: Event = {
    "type": "message_start",
    "message": {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "claude",
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1},
    },
}
BLOCK: Event = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
END: list[Event] = [
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
]
OVERLOADED: Event = {"type": "error", "error": {"type": "overloaded_error", "message": WORDS}}


def said(text: str) -> Event:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


@dataclass
class Claude:
    """Answers by the name of the model. `clients` are the connections it was asked on.

    A cut connection loses what the client has not read yet, so none is cut before a test says that it may be.
    """

    url: str = ""
    bodies: list[dict[str, object]] = field(default_factory=list)
    clients: list[object] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_cut: asyncio.Event = field(default_factory=asyncio.Event)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.bodies.append(body)
        self.clients.append(request.transport and request.transport.get_extra_info("peername"))
        self.asked.set()
        if body["model"] == "silent":
            await self.wait_for_the_end()
        if body["model"] == "redirect":
            return web.Response(status=307, headers={"Location": "/elsewhere"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await self.write(response, START, BLOCK, said("Hello "), said("there."))
        match body["model"]:
            case "whole":
                await self.write(response, *END)
            case "unspeakable":
                await self.write(response, said("\0"), said(" \0a \ud83d"), said("\ude00 \ud83d"), said("b"), *END)
            case "stall":
                await self.wait_for_the_end()
            case "error-in-stream":
                await self.write(response, OVERLOADED)
            case "half":
                await self.may_cut.wait()
                assert request.transport
                request.transport.abort()
        return response

    async def write(self, response: web.StreamResponse, *events: Event) -> None:
        for event in events:
            await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

    async def wait_for_the_end(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.hung_up.set()


@pytest.fixture
async def claude() -> AsyncGenerator[Claude]:
    server = Claude()
    application = web.Application()
    application.router.add_post("/{path:.*}", server.answer)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def road() -> AsyncGenerator[LitellmStream]:
    async with open_session(aiohttp.TCPConnector(), 3600) as session:
        yield LitellmStream(LitellmPlanner(), session)


def asking(model: str, base: str) -> LitellmCall:
    return LitellmCall(DIALECTS[AiProvider.ANTHROPIC], model, KEY, base, [{"role": "user", "content": WORDS}])


async def heard(
    road: LitellmStream, call: LitellmCall, claude: Claude | None = None
) -> tuple[list[Delta], ProviderFailure | None]:
    """`claude` is told when all was heard that comes before a cut."""
    deltas: list[Delta] = []
    try:
        async for delta in road.stream(call):
            deltas.append(delta)
            if claude and len(deltas) == 2:
                claude.may_cut.set()
    except ProviderFailure as failure:
        return deltas, failure
    return deltas, None


async def test_a_whole_answer(road: LitellmStream, claude: Claude) -> None:
    assert await heard(road, asking("whole", claude.url)) == (
        [TextDelta("Hello "), TextDelta("there."), TokenCount(9, 3)],
        None,
    )
    assert claude.bodies[0]["max_tokens"] == REPLY_TOKENS


async def test_what_no_database_can_store_is_not_said(road: LitellmStream, claude: Claude) -> None:
    deltas, failure = await heard(road, asking("unspeakable", claude.url))
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == "Hello there. a 😀 \ufffdb"
    assert TextDelta("") not in deltas
    assert failure is None


async def test_a_connection_serves_again(road: LitellmStream, claude: Claude) -> None:
    for _ in range(3):
        await heard(road, asking("whole", claude.url))
    assert len(set(claude.clients)) == 1


@pytest.mark.parametrize("model", ["half", "nodone", "error-in-stream"])
async def test_a_break_after_words(road: LitellmStream, claude: Claude, model: str) -> None:
    deltas, failure = await heard(road, asking(model, claude.url), claude)
    assert deltas == [TextDelta("Hello "), TextDelta("there.")]
    assert failure is not None
    assert (failure.reason, failure.refused) == ("broken_stream", False)


async def test_each_failure_is_asked_for_once(road: LitellmStream, claude: Claude) -> None:
    for model in ("half", "error-in-stream", "redirect"):
        await heard(road, asking(model, claude.url), claude)
    assert [body["model"] for body in claude.bodies] == ["half", "error-in-stream", "redirect"]


async def test_a_redirect_is_not_followed(road: LitellmStream, claude: Claude) -> None:
    _, failure = await heard(road, asking("redirect", claude.url))
    assert failure is not None
    assert failure.reason == "http_307"


async def test_nobody_listens(road: LitellmStream) -> None:
    _, failure = await heard(road, asking("whole", f"http://127.0.0.1:{free_port()}"))
    assert failure is not None
    assert (failure.reason, failure.refused) == ("unreachable", False)


async def test_leaving_early_hangs_up(road: LitellmStream, claude: Claude) -> None:
    async with aclosing(road.stream(asking("stall", claude.url))) as deltas:
        await anext(deltas)
    await claude.hung_up.wait()


async def test_being_cancelled_before_the_first_word_hangs_up(road: LitellmStream, claude: Claude) -> None:
    hearing = asyncio.create_task(heard(road, asking("silent", claude.url)))
    await claude.asked.wait()
    hearing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hearing
    await claude.hung_up.wait()


async def test_being_cancelled_after_words_hangs_up(road: LitellmStream, claude: Claude) -> None:
    deltas = road.stream(asking("stall", claude.url))
    assert [await anext(deltas), await anext(deltas)] == [TextDelta("Hello "), TextDelta("there.")]
    waiting = asyncio.ensure_future(anext(deltas))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await claude.hung_up.wait()


@pytest.mark.parametrize("model", ["half", "nodone", "error-in-stream", "redirect", "whole"])
async def test_no_secret_is_told(
    road: LitellmStream, claude: Claude, model: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    _, failure = await heard(road, asking(model, claude.url), claude)
    await asyncio.sleep(0)
    told = "".join(traceback.format_exception(failure)) if failure else ""
    printed = capfd.readouterr()
    assert KEY not in told + caplog.text + printed.out + printed.err
    assert WORDS not in told + caplog.text + printed.out + printed.err
    assert printed.out == ""


def test_a_call_does_not_show_itself() -> None:
    shown = repr(asking("whole", "https://api.anthropic.com"))
    assert KEY not in shown
    assert WORDS not in shown
