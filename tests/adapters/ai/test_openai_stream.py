"""The streaming client of the OpenAI protocol against a real server, with all that can go wrong."""

import asyncio
import logging
import traceback
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from adapters.ai import openai_stream
from adapters.ai.openai_stream import ChatRequest, OpenAiStream, open_session
from domain.ai.providers import Delta, TextDelta, TokenCount
from domain.errors import ProviderFailure
from tests.parts.ports import free_port
from tests.parts.upstream import RETRY_AFTER, SEVEN, TEXT, Upstream, ending, running_upstream, token_event

KEY = "sk-very-secret"
WORDS = "very secret words"
FAULTS = ["400", "401", "403", "404", "429", "500", "html", "empty", "half", "nodone", "error-in-stream", "redirect"]
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
LONG = 3600.0
"""Seconds that no machine is too slow for."""


@pytest.fixture(autouse=True)
def _grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_stream, "GRACE", LONG)


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    async with running_upstream() as server:
        yield server


@pytest.fixture
async def client() -> AsyncGenerator[OpenAiStream]:
    async with client_over(aiohttp.TCPConnector()) as client:
        yield client


@asynccontextmanager
async def client_over(connector: aiohttp.TCPConnector, connect_timeout: float = LONG) -> AsyncIterator[OpenAiStream]:
    async with open_session(connector, connect_timeout) as session:
        yield OpenAiStream(session)


@asynccontextmanager
async def answering(*parts: bytes) -> AsyncIterator[str]:
    """The address of a server that answers the first request with these bytes, and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def asking(model: str, base: str) -> ChatRequest:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": WORDS}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return ChatRequest(f"{base}/chat/completions", {"Authorization": f"Bearer {KEY}"}, body)


async def heard(client: OpenAiStream, request: ChatRequest) -> tuple[list[Delta], ProviderFailure | None]:
    """All deltas, and how it ended."""
    deltas: list[Delta] = []
    try:
        async for delta in client.stream(request):
            deltas.append(delta)
    except ProviderFailure as failure:
        return deltas, failure
    return deltas, None


async def failing(client: OpenAiStream, request: ChatRequest) -> ProviderFailure:
    _, failure = await heard(client, request)
    assert failure is not None
    return failure


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


async def test_a_whole_answer(client: OpenAiStream, upstream: Upstream) -> None:
    deltas, failure = await heard(client, asking("whole", upstream.url))
    assert failure is None
    assert text_of(deltas) == TEXT
    assert deltas[-1] == TokenCount(11, 13)


async def test_what_is_sent(client: OpenAiStream, upstream: Upstream) -> None:
    request = asking("whole", upstream.url)
    await heard(client, request)
    sent = upstream.last
    assert (sent.keys, sent.body, sent.path) == ([KEY], request.body, "/v1/chat/completions")
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["accept-encoding"] == "identity"
    assert "cookie" not in sent.headers


async def test_bytes_in_writes_of_their_own(client: OpenAiStream, upstream: Upstream) -> None:
    deltas, failure = await heard(client, asking("split", upstream.url))
    assert (text_of(deltas), failure) == (TEXT, None)


async def test_tokens_of_one_read_are_one_piece(client: OpenAiStream) -> None:
    body = "".join([*(token_event("m", word) for word in ("One, ", "two, ", "three.")), *ending("m", 3, True)])
    async with answering(f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}".encode()) as base:
        deltas, _ = await heard(client, asking("whole", base))
    assert deltas == [TextDelta("One, two, three."), TokenCount(11, 3)]


async def until_seven_tokens(deltas: AsyncGenerator[Delta]) -> None:
    words = ""
    while words != SEVEN:
        delta = await anext(deltas)
        assert isinstance(delta, TextDelta)
        words += delta.text


async def test_tokens_of_their_own_reads_come_at_once(client: OpenAiStream, upstream: Upstream) -> None:
    async with aclosing(client.stream(asking("stall", upstream.url))) as deltas:
        await until_seven_tokens(deltas)


async def test_words_of_one_frame_are_one_piece() -> None:
    first_heard, frame_over = asyncio.Event(), asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"{HEAD}\r\n{token_event('m', 'One, ')}".encode())
        await first_heard.wait()
        for word in ("two, ", "three."):
            writer.write(token_event("m", word).encode())
            await rounds()  # in a read of its own, if there were no frame
        writer.close()
        await writer.wait_closed()
        frame_over.set()

    async def frame() -> None:
        await frame_over.wait()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    request = asking("m", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with (
        server,
        open_session(aiohttp.TCPConnector(), LONG) as session,
        aclosing(OpenAiStream(session, frame).stream(request)) as deltas,
    ):
        assert await anext(deltas) == TextDelta("One, ")
        first_heard.set()
        assert await anext(deltas) == TextDelta("two, three.")


async def rounds() -> None:
    """Enough of the loop's for a client in it to read what was written."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_connection_serves_again(client: OpenAiStream, upstream: Upstream) -> None:
    for _ in range(3):
        await heard(client, asking("whole", upstream.url))
    assert len({request.client for request in upstream.requests}) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refusal(client: OpenAiStream, upstream: Upstream, status: int) -> None:
    failure = await failing(client, asking(str(status), upstream.url))
    assert (failure.reason, failure.refused) == (f"http_{status}", True)


@pytest.mark.parametrize("status", [402, 404, 408, 500, 502, 503, 529])
async def test_a_failure_that_others_may_not_have(client: OpenAiStream, upstream: Upstream, status: int) -> None:
    failure = await failing(client, asking(str(status), upstream.url))
    assert (failure.reason, failure.refused, failure.retry_after) == (f"http_{status}", False, None)


async def test_too_many_requests(client: OpenAiStream, upstream: Upstream) -> None:
    failure = await failing(client, asking("429", upstream.url))
    assert (failure.reason, failure.refused, failure.retry_after) == ("http_429", False, RETRY_AFTER)


async def test_a_redirect_is_not_followed(client: OpenAiStream, upstream: Upstream) -> None:
    failure = await failing(client, asking("redirect", upstream.url))
    assert failure.reason == "http_302"
    assert [request.path for request in upstream.requests] == ["/v1/chat/completions"]


async def test_a_web_page(client: OpenAiStream, upstream: Upstream) -> None:
    assert (await failing(client, asking("html", upstream.url))).reason == "not_a_stream"


async def test_a_web_page_that_says_it_is_a_stream(client: OpenAiStream) -> None:
    async with answering(f"{HEAD}\r\n<html>\n<body>Sign in</body>\n</html>\n".encode()) as base:
        assert (await failing(client, asking("whole", base))).reason == "broken_stream"


async def test_an_empty_stream(client: OpenAiStream, upstream: Upstream) -> None:
    deltas, failure = await heard(client, asking("empty", upstream.url))
    assert deltas == []
    assert failure is not None
    assert failure.reason == "broken_stream"


async def test_a_cut_after_words(client: OpenAiStream, upstream: Upstream) -> None:
    upstream.may_cut.clear()
    async with aclosing(client.stream(asking("half", upstream.url))) as deltas:
        await until_seven_tokens(deltas)
        upstream.may_cut.set()
        with pytest.raises(ProviderFailure) as failure:
            await anext(deltas)
    assert (failure.value.reason, failure.value.refused) == ("broken_stream", False)


@pytest.mark.parametrize(("model", "reason"), [("nodone", "broken_stream"), ("error-in-stream", "error_in_stream")])
async def test_a_break_after_words(client: OpenAiStream, upstream: Upstream, model: str, reason: str) -> None:
    deltas, failure = await heard(client, asking(model, upstream.url))
    assert text_of(deltas) == SEVEN
    assert failure is not None
    assert (failure.reason, failure.refused) == (reason, False)


async def test_an_answer_that_ends_without_done_but_with_a_finish_reason(client: OpenAiStream) -> None:
    events = [token_event("m", "All."), *ending("m", 1, True)[:-1]]
    async with answering(f"{HEAD}\r\n{''.join(events)}".encode()) as base:
        assert await heard(client, asking("whole", base)) == ([TextDelta("All."), TokenCount(11, 1)], None)


async def test_a_last_line_without_an_end(client: OpenAiStream) -> None:
    async with answering(f"{HEAD}\r\n{token_event('m', 'All.')}data: [DONE]".encode()) as base:
        assert await heard(client, asking("whole", base)) == ([TextDelta("All.")], None)


async def test_a_line_without_bound(client: OpenAiStream) -> None:
    async with answering(f"{HEAD}\r\ndata: ".encode(), *[b"x" * 65536] * 8) as base:
        assert (await failing(client, asking("whole", base))).reason == "line_too_long"


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_what_is_no_web_server(client: OpenAiStream, answer: bytes) -> None:
    async with answering(answer) as base:
        assert (await failing(client, asking("whole", base))).reason == "no_answer"


async def test_nobody_listens(client: OpenAiStream) -> None:
    failure = await failing(client, asking("whole", f"http://127.0.0.1:{free_port()}"))
    assert (failure.reason, failure.refused) == ("unreachable", False)


async def test_no_tls_there(client: OpenAiStream, upstream: Upstream) -> None:
    failure = await failing(client, asking("whole", upstream.url.replace("http:", "https:")))
    assert (failure.reason, failure.refused) == ("tls_failed", False)


class Resolver(AbstractResolver):
    """Knows no name; before it says so it waits."""

    def __init__(self, until: asyncio.Event) -> None:
        self._until = until

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        await self._until.wait()
        raise OSError("no such host")

    async def close(self) -> None:
        """Nothing to close."""


async def test_a_host_that_does_not_exist() -> None:
    known = asyncio.Event()
    known.set()
    async with client_over(aiohttp.TCPConnector(resolver=Resolver(known))) as client:
        assert (await failing(client, asking("whole", "http://llm.example.com"))).reason == "unknown_host"


async def test_a_host_that_takes_too_long_to_connect() -> None:
    never = asyncio.Event()
    async with client_over(aiohttp.TCPConnector(resolver=Resolver(never)), connect_timeout=0.01) as client:
        assert (await failing(client, asking("whole", "http://llm.example.com"))).reason == "connect_timeout"


@pytest.mark.parametrize("base", ["http://", "ftp://example.com", "http://127.1", "http://2130706433"])
async def test_an_address_that_is_none(client: OpenAiStream, base: str) -> None:
    failure = await failing(client, asking("whole", base))
    assert (failure.reason, failure.refused) == ("bad_address", True)


async def test_a_request_that_cannot_be_sent(client: OpenAiStream, upstream: Upstream) -> None:
    whole = asking("whole", upstream.url)
    two_lines = replace(whole, headers={"Authorization": f"Bearer {KEY}\n{KEY}"})
    half_a_character = replace(whole, body={"content": "\ud800"})
    long_host = asking("whole", f"http://{'a' * 70}.example.com")
    for request in (two_lines, half_a_character, long_host):
        failure = await failing(client, request)
        assert (failure.reason, failure.refused) == ("unsendable_request", True)
    assert upstream.requests == []


async def test_leaving_early_hangs_up(client: OpenAiStream, upstream: Upstream) -> None:
    upstream.dictation.put_nowait("Once ")
    async with aclosing(client.stream(asking("dictated", upstream.url))) as deltas:
        assert await anext(deltas) == TextDelta("Once ")
    await upstream.hung_up.wait()


async def test_being_cancelled_before_the_first_word_hangs_up(client: OpenAiStream, upstream: Upstream) -> None:
    hearing = asyncio.create_task(heard(client, asking("silent", upstream.url)))
    await upstream.asked.wait()
    hearing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hearing
    await upstream.hung_up.wait()


async def test_being_cancelled_after_words_hangs_up(client: OpenAiStream, upstream: Upstream) -> None:
    deltas = client.stream(asking("stall", upstream.url))
    await until_seven_tokens(deltas)
    waiting = asyncio.ensure_future(anext(deltas))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await upstream.hung_up.wait()


@pytest.mark.parametrize("model", FAULTS)
async def test_no_failure_tells_a_secret(
    client: OpenAiStream, upstream: Upstream, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    failure = await failing(client, asking(model, upstream.url))
    told = "".join(traceback.format_exception(failure)) + repr(failure) + caplog.text
    assert KEY not in told
    assert WORDS not in told


def test_a_request_does_not_show_itself() -> None:
    shown = repr(asking("whole", "http://llm.example.com"))
    assert KEY not in shown
    assert WORDS not in shown
