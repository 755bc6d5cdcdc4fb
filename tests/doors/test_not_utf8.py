"""Bytes that are no UTF-8, wherever bytes can be sent: a clear refusal each time, and no stack trace in the log."""

import json

import pytest

from tests.doors.raw import frame, handshake, request, wire
from tests.served import House

BAD = b"\xff\xfe words"
CHAT = "/v1/public/avatar/DemoAvatar1/chat"
SOCKETS = ("/graphql", "/v1/public/avatar/DemoAvatar1/ws")

pytestmark = pytest.mark.usefixtures("quiet_log")


async def answered(house: House, sent: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to one request."""
    async with wire(house.url) as connection:
        await connection.send(sent.replace(b"Host:", b"Connection: close\r\nHost:", 1))
        head, _, body = (await connection.to_the_end()).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def code(body: bytes) -> str:
    answer = json.loads(body)
    return str(answer["error"]["code"] if "error" in answer else answer["errors"][0]["extensions"]["code"])


@pytest.mark.parametrize("target", ["/graphql", CHAT, "/v1/public/avatar/DemoAvatar1/session", "/v1/consumer-avatars"])
async def test_bodies(house: House, target: str) -> None:
    body = b'{"query": "' + BAD + b'", "sessionId": "' + BAD + b'"}'
    status, answer = await answered(house, request("POST", target, body, Content_Type="application/json"))
    assert (status, code(answer)) in {(400, "BAD_REQUEST"), (200, "BAD_REQUEST"), (401, "UNAUTHORIZED")}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/graphql?query=%FF%FE", "BAD_REQUEST"),
        ("/graphql?query={__typename}&variables=%FF", "BAD_REQUEST"),
        ("/v1/public/avatar/%FF%FE", "NOT_FOUND"),
        ("/v1/consumer-avatars?first=%FF", "UNAUTHORIZED"),
        ("/%FF%FE", "NOT_FOUND"),
    ],
)
async def test_addresses(house: House, target: str, expected: str) -> None:
    assert code((await answered(house, request("GET", target)))[1]) == expected


@pytest.mark.parametrize("name", ["Accept", "Content_Type", "Origin", "X_Forwarded_For", "Cookie", "User_Agent"])
async def test_headers_of_no_account(house: House, name: str) -> None:
    body = json.dumps({"query": "{ __typename }"}).encode()
    headers = {"Content_Type": "application/json", name: "\xff\xfe"}
    status, answer = await answered(house, request("POST", "/graphql", body, **headers))
    assert status == 200 or code(answer) == "BAD_REQUEST"
    status, _ = await answered(house, request("GET", "/v1/public/avatar/DemoAvatar1", b"", **{name: "\xff\xfe"}))
    assert status == 200


@pytest.mark.parametrize("token", ["Bearer \xff\xfe", "\xff", "Bearer av_live_\xff"])
async def test_tokens(house: House, token: str) -> None:
    status, answer = await answered(house, request("GET", "/v1/consumer-avatars", Authorization=token))
    assert status == 401
    assert code(answer) in ("UNAUTHORIZED", "TOKEN_INVALID", "INVALID_API_KEY")
    body = json.dumps({"query": "{ avatars { edges { cursor } } }"}).encode()
    sent = request("POST", "/graphql", body, Content_Type="application/json", Authorization=token)
    assert code((await answered(house, sent))[1]) in ("UNAUTHORIZED", "TOKEN_INVALID", "INVALID_API_KEY")


@pytest.mark.parametrize("target", SOCKETS)
async def test_text_frames(house: House, target: str) -> None:
    async with wire(house.url) as connection:
        await connection.send(handshake(target))
        await connection.until(b"\r\n\r\n")
        await connection.send(frame(BAD))
        assert await connection.to_the_end() == b"\x88\x02" + (1007).to_bytes(2, "big")


@pytest.mark.parametrize("query", ["sessionId=%FF%FE", "token=%FF%FE"])
async def test_the_address_of_a_socket(house: House, query: str) -> None:
    house.models.script(house.first, "Hello.")
    async with wire(house.url) as connection:
        await connection.send(handshake(f"{SOCKETS[1]}?{query}"))
        await connection.until(b"\r\n\r\n")
        await connection.send(frame(b'{"type": "message", "content": "Hello"}'))
        await connection.until(b"NOT_FOUND" if query.startswith("session") else b'"done"')
