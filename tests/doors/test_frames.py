"""A WebSocket takes frames of 64 KiB, through both doors, and ends with 1009 after a larger one."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.serving.uvicorn_server import MESSAGE_MAX_BYTES
from tests.served import House

SOCKETS = {"/graphql": "graphql-transport-ws", "/v1/public/avatar/DemoAvatar1/ws": None}


@pytest.fixture(params=SOCKETS)
async def socket(request: pytest.FixtureRequest, house: House) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    protocol = SOCKETS[request.param]
    async with (
        aiohttp.ClientSession(house.url) as http,
        http.ws_connect(request.param, protocols=[protocol] if protocol else []) as socket,
    ):
        yield socket


def ping(size: int) -> str:
    frame = '{"type": "ping", "more": "é"}'
    return frame.replace("é", "é" + "x" * (size - len(frame.encode())))


async def test_the_largest_frame_is_taken(socket: aiohttp.ClientWebSocketResponse) -> None:
    await socket.send_str(ping(MESSAGE_MAX_BYTES))
    assert (await socket.receive_json())["type"] == "pong"


@pytest.mark.parametrize("size", [MESSAGE_MAX_BYTES + 1, 20 * MESSAGE_MAX_BYTES])
async def test_a_larger_one_ends_the_socket(socket: aiohttp.ClientWebSocketResponse, size: int) -> None:
    await socket.send_str(ping(size))
    closing = await socket.receive()
    assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 1009)
