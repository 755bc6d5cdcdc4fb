"""The codes by which a WebSocket is closed, as graphql-transport-ws says."""

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from starlette.types import Message

from schema.door import GraphQLDoor
from tests.doors.doors import CHAT, START
from tests.schema.conftest import Client, Socket, over_socket, socket

INIT = {"type": "connection_init"}
WHOAMI = "{ me { email } }"


def subscribe(query: str, id_: str = "1", **variables: object) -> dict[str, Any]:
    return {"id": id_, "type": "subscribe", "payload": {"query": query, "variables": variables}}


async def close_code(opened: Socket) -> int:
    """Of the close frame that comes next."""
    closing = await opened.receive()
    assert closing.type is aiohttp.WSMsgType.CLOSE, closing
    return int(closing.data)


async def closed_after(client: Client, *frames: dict[str, Any], acknowledged: bool = False) -> int:
    url = f"{client.house.url}/graphql"
    async with client.http.ws_connect(url, protocols=["graphql-transport-ws"]) as opened:
        for frame in frames:
            await opened.send_json(frame)
        if acknowledged:
            assert (await opened.receive_json())["type"] == "connection_ack"
        return await close_code(opened)


@pytest.mark.parametrize(
    "frame",
    [
        "not json",
        "[]",
        '"text"',
        '{"type": 7}',
        '{"type": "unknown"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ me { id } }"}}',
        '{"type": "subscribe", "id": "1", "payload": []}',
        '{"type": "complete"}',
        f'{{"type": "{"x" * 200}"}}',
        b"binary",
    ],
)
async def test_a_frame_that_is_no_message_closes_with_4400(stranger: Client, frame: str | bytes) -> None:
    async with socket(stranger) as opened:
        await (opened.send_bytes(frame) if isinstance(frame, bytes) else opened.send_str(frame))
        assert await close_code(opened) == 4400


async def test_parameters_that_are_no_object_close_with_4400(stranger: Client) -> None:
    assert await closed_after(stranger, {**INIT, "payload": "text"}) == 4400


async def test_an_operation_before_the_start_closes_with_4401(stranger: Client) -> None:
    assert await closed_after(stranger, subscribe(WHOAMI)) == 4401


@pytest.mark.parametrize("token", ["forged", "expired", "av_live_unknown"])
async def test_a_token_that_is_refused_closes_with_4403(stranger: Client, token: str) -> None:
    stranger.house.sign_in.expire("expired")
    assert await closed_after(stranger, {**INIT, "payload": {"Authorization": f"Bearer {token}"}}) == 4403


async def test_a_revoked_key_closes_with_4403(owner: Client) -> None:
    made = await owner.data('mutation { createApiKey(input: {name: "CI"}) { secret apiKey { id } } }')
    params = {"Authorization": f"Bearer {made['createApiKey']['secret']}"}
    async with socket(owner, **params) as opened:
        await opened.send_json(subscribe(WHOAMI))
        assert (await opened.receive_json())["payload"]["data"]["me"] == {"email": "owner@example.com"}
    revoke = "mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id } } }"
    await owner.data(revoke, input={"id": made["createApiKey"]["apiKey"]["id"]})
    assert await closed_after(owner, {**INIT, "payload": params}) == 4403


async def test_a_token_that_cannot_be_checked_is_each_operations_error(owner: Client) -> None:
    owner.house.sign_in.down = True
    async with socket(owner, Authorization="Bearer owner-token") as opened:
        await opened.send_json(subscribe(WHOAMI))
        [error] = (await opened.receive_json())["payload"]["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"


async def test_a_socket_that_never_starts_closes_with_4408() -> None:
    door = GraphQLDoor(None, open_schema=True, init_wait=timedelta(milliseconds=1))
    sent: list[Message] = []
    closed = asyncio.Event()

    async def receive() -> Message:
        if not sent:
            return {"type": "websocket.connect"}
        await closed.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "websocket.close":
            closed.set()

    scope = {"type": "websocket", "headers": [], "subprotocols": ["graphql-transport-ws"], "state": {"context": None}}
    await door(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[1]["code"] == 4408


@pytest.mark.parametrize("id_", ["1", "x" * 200])
async def test_an_id_in_use_closes_with_4409(stranger: Client, id_: str) -> None:
    stranger.house.models.script(stranger.house.first, asyncio.Event())
    started = await stranger.data(START, input={"shortId": "DemoAvatar1"})
    sent = {"sessionId": started["startSession"]["session"]["id"], "content": "Hi"}
    async with socket(stranger) as opened:
        await opened.send_json(subscribe(CHAT, id_, input=sent))
        assert (await opened.receive_json())["type"] == "next"
        await opened.send_json(subscribe(WHOAMI, id_))
        assert await close_code(opened) == 4409


async def test_starting_twice_closes_with_4429(stranger: Client) -> None:
    assert await closed_after(stranger, INIT, INIT, acknowledged=True) == 4429


@pytest.mark.parametrize("query", ["{ me {", "{ nobody }", "", "fragment F on Query { __typename }"])
async def test_a_wrong_operation_closes_nothing(stranger: Client, query: str) -> None:
    kind, [error] = await over_socket(stranger, query)
    assert (kind, error["extensions"]["code"]) == ("error", "BAD_REQUEST")
