"""Clients that do not take what they are sent, over real connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from adapters.serving.http_protocol import HttpProtocol
from adapters.serving.unsent import Backlog, Unsent
from adapters.serving.uvicorn_server import config
from tests.doors.raw import Wire, handshake, request, wire

SMALL = 4096
MANY = 16 * 1024 * 1024
"""More bytes than the kernel takes for a client that reads none."""
ANSWERS = 3
"""At once, on each WebSocket."""


class App:
    """Answers every request, and every WebSocket several times at once, with `size` bytes."""

    def __init__(self, size: int) -> None:
        self._body = b"x" * size
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            message = {"type": "websocket.send", "text": self._body.decode()}
            await asyncio.gather(*[send(message) for _ in range(ANSWERS)], return_exceptions=True)
            await send({"type": "websocket.close"})
        else:
            headers = [(b"content-length", str(len(self._body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self._body})


@asynccontextmanager
async def served(app: App, unsent: Unsent) -> AsyncIterator[str]:
    settings = config(app, host="127.0.0.1", port=0, trusted_proxies=(), unsent=unsent)
    settings.lifespan = "off"
    settings.load()
    state = uvicorn.Server(settings).server_state
    server = await asyncio.get_running_loop().create_server(lambda: HttpProtocol(settings, state, {}), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


ROADS = {"http": request("GET", "/"), "websocket": handshake("/")}


@asynccontextmanager
async def not_reading(url: str, asked: bytes) -> AsyncIterator[Wire]:
    """A client that has asked, and reads nothing of the answer."""
    async with wire(url, SMALL) as connection:
        connection.stop_reading()
        await connection.send(asked)
        yield connection


async def end_of(connection: Wire) -> int:
    """How many bytes arrive until the server hangs up."""
    arrived = 0
    transport = connection.writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.resume_reading()
    try:
        while data := await connection.reader.read(SMALL * 256):
            arrived += len(data)
    except ConnectionError:
        pass
    return arrived


async def until_counted(unsent: Unsent) -> None:
    while not unsent.total:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def until_forgotten(unsent: Unsent) -> None:
    while unsent.total:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("road", ROADS)
async def test_who_takes_nothing_is_cut_off(road: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Backlog, "patience", 0.1)
    unsent = Unsent()
    async with served(App(MANY), unsent) as url, not_reading(url, ROADS[road]) as connection:
        await until_counted(unsent)
        await until_forgotten(unsent)
        assert await end_of(connection) < MANY


@pytest.mark.parametrize("road", ROADS)
async def test_all_that_waits_is_counted(road: str) -> None:
    """Of several answers on one WebSocket one is written, and the others wait."""
    unsent = Unsent()
    async with served(App(MANY), unsent) as url, not_reading(url, ROADS[road]):
        await until_counted(unsent)
        expected = MANY * (ANSWERS if road == "websocket" else 1)
        assert MANY / 2 < unsent.total <= expected + 1024
    await until_forgotten(unsent)


@pytest.mark.parametrize("road", ROADS)
async def test_the_server_keeps_no_more_than_its_bound(road: str) -> None:
    app, unsent = App(MANY), Unsent(most=MANY * ANSWERS)
    async with served(app, unsent) as url, AsyncExitStack() as stack:
        for asked in range(1, 6):
            await stack.enter_async_context(not_reading(url, ROADS[road]))
            while app.asked < asked or not unsent.total:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert unsent.total <= MANY * ANSWERS
    await until_forgotten(unsent)


class Line(asyncio.Transport):
    """`unsent` bytes wait on it."""

    def __init__(self, unsent: int) -> None:
        super().__init__()
        self.unsent, self.was_cut = unsent, asyncio.Event()

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.was_cut.set()


async def test_those_are_cut_off_for_whom_most_waits() -> None:
    loop, unsent = asyncio.get_running_loop(), Unsent(most=100)
    lines = [Line(20), Line(50), Line(20)]
    backlogs = [Backlog(line, unsent, loop) for line in lines]
    for backlog in backlogs:
        backlog.begins()
    with backlogs[2].waiting(20):
        await lines[1].was_cut.wait()
        assert unsent.total == 60
    for backlog in backlogs:
        backlog.ends()
    assert unsent.total == 0
    assert not lines[0].was_cut.is_set()
    assert not lines[2].was_cut.is_set()


async def test_what_was_taken_since_it_was_counted_counts_no_more() -> None:
    loop, unsent = asyncio.get_running_loop(), Unsent(most=100)
    reading, other = Line(60), Line(60)
    first, second = Backlog(reading, unsent, loop), Backlog(other, unsent, loop)
    first.begins()
    reading.unsent = 30
    second.begins()
    await asyncio.sleep(0)
    assert unsent.total == 90
    assert not reading.was_cut.is_set()
    assert not other.was_cut.is_set()


async def test_who_takes_a_little_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Backlog, "patience", 0)

    class Slow(Line):
        """Has taken something whenever it is looked at, until there is nothing left to take."""

        def get_write_buffer_size(self) -> int:
            self.unsent -= 1
            return max(self.unsent, 10)

    line = Slow(60)
    backlog = Backlog(line, Unsent(), asyncio.get_running_loop())
    backlog.begins()
    await line.was_cut.wait()
    assert line.unsent < 12


async def test_the_next_of_a_pipeline_is_asked_for_when_the_answer_is_taken() -> None:
    unsent, app = Unsent(), App(MANY)
    async with served(app, unsent) as url, not_reading(url, ROADS["http"] * 4) as connection:
        await until_counted(unsent)
        assert app.asked == 1
        arrived = 0
        transport = connection.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.resume_reading()
        while arrived < 4 * MANY:
            arrived += len(await connection.reader.read(SMALL * 256))
        assert app.asked == 4
