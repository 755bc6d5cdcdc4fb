"""Heads of requests that are too large, heads and bodies that never end, over real connections."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from adapters.serving import http_protocol
from adapters.serving.http_protocol import HEAD_MAX_BYTES, HEADERS_MAX, LINE_MAX_BYTES, HttpProtocol
from adapters.serving.uvicorn_server import config

HOST = b"Host: localhost\r\n"
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
LONG, SHORT = 3600.0, 0.01


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpProtocol, "head_seconds", LONG)
    monkeypatch.setattr(http_protocol, "LINGER_SECONDS", LONG)


GONE: list[str] = []
"""Whose clients were said to be gone."""

READ = asyncio.Event()
"""Set when the app may read what is sent to /held-up."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
    elif scope["path"] in ("/taken", "/held-up"):
        if scope["path"] == "/held-up":
            await READ.wait()
        try:
            await PlainTextResponse(f"{len(await Request(scope, receive).body())} taken")(scope, receive, send)
        except ClientDisconnect:
            GONE.append(scope["path"])
    else:
        await PlainTextResponse(str(len(scope["headers"])))(scope, receive, send)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    settings = config(app, host="127.0.0.1", port=0, trusted_proxies=())
    settings.lifespan = "off"
    settings.load()
    state = uvicorn.Server(settings).server_state
    server = await asyncio.get_running_loop().create_server(lambda: HttpProtocol(settings, state, {}), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def said(port: int, *parts: bytes) -> bytes:
    """All that the server says until it closes the connection or answers in full."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.read()
    finally:
        writer.close()


async def said_to_a_known_client(port: int, monkeypatch: pytest.MonkeyPatch, *parts: bytes) -> bytes:
    """The same on a connection that has served before, after which no head may take long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(LASTING)
    await reader.readuntil(b"\r\n\r\n")
    monkeypatch.setattr(HttpProtocol, "head_seconds", SHORT)
    for part in parts:
        writer.write(part)
    answer = await reader.read()
    writer.close()
    return answer


def get(*headers: bytes, url: bytes = b"/") -> bytes:
    return b"GET " + url + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n" + b"".join(headers) + b"\r\n"


LASTING = get().replace(b"Connection: close\r\n", b"")


def line(size: int) -> bytes:
    return b"x:" + b"a" * (size - 1) + b"\r\n"


@pytest.mark.parametrize(
    ("fits", "too_large", "status"),
    [
        (get(line(LINE_MAX_BYTES)), get(line(LINE_MAX_BYTES + 1)), b"431"),
        (get(line(1_000) * 32), get(line(1_000) * 33), b"431"),
        (get(line(2) * (HEADERS_MAX - 2)), get(line(2) * (HEADERS_MAX - 1)), b"431"),
        (get(url=b"/" * LINE_MAX_BYTES), get(url=b"/" * (LINE_MAX_BYTES + 1)), b"414"),
    ],
    ids=["one header", "all headers", "how many", "the URL"],
)
async def test_a_head_may_be_as_large_as_the_limit(port: int, fits: bytes, too_large: bytes, status: bytes) -> None:
    assert (await said(port, fits)).startswith(b"HTTP/1.1 200 ")
    refused = await said(port, too_large)
    assert refused.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in refused
    assert b"at most" in refused


@pytest.mark.parametrize("head", [get(line(1_000_000)), get(line(8) * 100_000), get(url=b"/" * 1_000_000)])
async def test_an_enormous_head_is_answered_too(port: int, head: bytes) -> None:
    assert (await said(port, head))[9:12] in (b"431", b"414")


async def test_a_line_without_an_end_is_not_gathered(port: int) -> None:
    endless = [b"a" * HEAD_MAX_BYTES] * 32
    assert (await said(port, b"GET / HTTP/1.1\r\n" + HOST + b"x: ", *endless)).startswith(b"HTTP/1.1 431 ")


async def test_the_limits_begin_anew_with_each_request(port: int) -> None:
    lasting = LASTING.replace(HOST, HOST + line(1_000) * 20)
    assert (await said(port, lasting, lasting, get())).count(b"HTTP/1.1 200 ") == 3


@pytest.mark.parametrize("extra", [line(LINE_MAX_BYTES + 1), line(2) * HEADERS_MAX])
async def test_a_handshake_has_the_same_limits(port: int, extra: bytes) -> None:
    assert (await said(port, b"GET / HTTP/1.1\r\n" + HOST + UPGRADE + extra + b"\r\n")).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("extra", [line(LINE_MAX_BYTES), line(2) * (HEADERS_MAX - 5)])
async def test_a_handshake_at_the_limits_is_answered(port: int, extra: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n" + HOST + UPGRADE + extra + b"\r\n")
    assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
    writer.close()


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
async def test_who_never_begins_is_hung_up_on(port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpProtocol, "head_seconds", SHORT)
    assert await said(port, sent) == b""


async def test_who_never_finishes_is_told_so(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await said_to_a_known_client(port, monkeypatch, b"GET / HTTP/1.1\r\n" + HOST)
    assert b"HTTP/1.1 408 Request Timeout\r\n" in answer


async def test_blank_lines_do_not_hold_a_connection_that_was_used(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await said_to_a_known_client(port, monkeypatch, LASTING, b"\r\n")
    assert b"HTTP/1.1 200 " in answer


async def test_a_request_that_is_no_http_is_a_bad_request(port: int) -> None:
    assert (await said(port, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


BODY = 100_000


def post(path: bytes, *headers: bytes) -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"".join(headers) + b"\r\n"


PROMISED, CHUNKED = b"Content-Length: %d\r\n" % BODY, b"Transfer-Encoding: chunked\r\n"
LATE = b"HTTP/1.1 408 Request Timeout"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (post(b"/taken", PROMISED) + b"x", LATE),
        (post(b"/taken", PROMISED), LATE),
        (post(b"/taken", CHUNKED) + b"1\r\nx\r\n", LATE),
        (post(b"/taken", PROMISED) + b"x" * (BODY - 1), LATE),
        (post(b"/answered", PROMISED) + b"x", b"HTTP/1.1 200 OK"),
    ],
    ids=["one byte", "no byte", "a chunk", "all but one", "of an answered request"],
)
async def test_a_body_that_never_ends_holds_no_connection(
    port: int, sent: bytes, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpProtocol, "body_seconds", 0.05)
    monkeypatch.setattr(HttpProtocol, "head_seconds", 0.05)
    monkeypatch.setattr(http_protocol, "BODY_LEAST_RATE", 1_000_000)
    GONE.clear()
    assert (await said(port, sent)).partition(b"\r\n")[0] == answer
    assert len(GONE) == (answer == LATE)


async def test_a_body_behind_another_request_has_its_time_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpProtocol, "body_seconds", 0.05)
    assert (await said(port, post(b"/taken", PROMISED) + b"x" * BODY + post(b"/taken", PROMISED))).count(LATE) == 1


async def test_a_body_that_keeps_up_is_taken_however_long_it_lasts(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpProtocol, "body_seconds", 0.05)
    monkeypatch.setattr(http_protocol, "BODY_LEAST_RATE", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    half = b"x" * (BODY // 2)
    writer.write(post(b"/taken", PROMISED, b"Connection: close\r\n") + half)
    await asyncio.sleep(0.2)  # longer than a body that sends nothing is waited for
    writer.write(half)
    assert (await reader.read()).endswith(b"%d taken" % BODY)
    writer.close()


async def test_the_time_in_which_the_server_does_not_read_is_its_own(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpProtocol, "body_seconds", 0.05)
    monkeypatch.setattr(http_protocol, "BODY_LEAST_RATE", 1_000_000_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        post(b"/held-up", b"Content-Length: %d\r\n" % (64 * BODY), b"Connection: close\r\n") + b"x" * 64 * BODY
    )
    await asyncio.sleep(0.2)
    READ.set()
    assert (await reader.read()).endswith(b"%d taken" % (64 * BODY))
    writer.close()
