"""Clients that stop reading: others hear the whole reply, it is stored, and what waits for them is bounded."""

import asyncio
import json
from collections.abc import Callable

import aiohttp
import pytest
from websockets.frames import Opcode

from tests.doors.doors import REPLY, SEND, GraphQLSendAndFollow
from tests.doors.raw import Wire, frame, handshake, request, wire
from tests.served import House

V1 = "/v1/public/avatar/DemoAvatar1/ws"
SMALL = 4096
PIECES = [f"{number:05d} " * 50 for number in range(60)]
ENOUGH = 32 * 1024 * 1024
"""More than the kernel takes for a server that does not read."""
ROUNDS = 1000
"""Of the event loop that client and server share: a server that reads at all reads in one of them."""

pytestmark = pytest.mark.usefixtures("quiet_log")


def operation(query: str, **variables: object) -> dict[str, object]:
    return {"query": query, "variables": variables}


async def listen_by_v1(connection: Wire, reply: str) -> None:
    await connection.send(handshake(V1))
    await connection.until(b"\r\n\r\n")
    await connection.send(frame(json.dumps({"type": "resume", "replyId": reply}).encode()))


async def listen_by_graphql(connection: Wire, reply: str) -> None:
    await connection.send(handshake("/graphql"))
    await connection.until(b"\r\n\r\n")
    await connection.send(frame(b'{"type": "connection_init"}'))
    subscribe = {"id": "1", "type": "subscribe", "payload": operation(REPLY, id=reply)}
    await connection.send(frame(json.dumps(subscribe).encode()))


async def listen_by_events(connection: Wire, reply: str) -> None:
    body = json.dumps(operation(REPLY, id=reply)).encode()
    headers = {"Content_Type": "application/json", "Accept": "text/event-stream"}
    await connection.send(request("POST", "/graphql", body, **headers))


ROADS = (listen_by_v1, listen_by_graphql, listen_by_events)


async def test_others_hear_the_whole_reply_and_it_is_stored(house: House) -> None:
    gates = [asyncio.Event() for _ in PIECES]
    house.models.script(house.first, *[step for pair in zip(gates, PIECES, strict=True) for step in pair])
    async with (
        aiohttp.ClientSession() as http,
        wire(house.url, SMALL) as first,
        wire(house.url, SMALL) as second,
        wire(house.url, SMALL) as third,
    ):
        door = GraphQLSendAndFollow(house.url, http)
        sent = {"sessionId": await door.start(house.short_id), "content": "Talk"}
        reply = (await door.execute(SEND, {"input": sent}))["sendMessage"]["reply"]["id"]
        for road, connection in zip(ROADS, (first, second, third), strict=True):
            await road(connection, reply)
        seen = []
        async for payload in door.subscribe(REPLY, {"id": reply}):
            event = door.data(payload)["reply"]
            if event["__typename"] != "ReplyDone" and gates:
                gates.pop(0).set()
            seen.append(event)
        whole = "".join(PIECES)[: len(seen[-1]["text"])]
        assert seen[-1]["text"] == whole
        assert house.messages()[-1] == ("assistant", whole, "complete")


async def flooded(connection: Wire, data: bytes) -> int:
    """How many bytes the server takes from a client that sends for ever and reads nothing."""
    connection.stop_reading()
    written, waiting = 0, connection.writer.transport.get_write_buffer_size
    while written < ENOUGH:
        connection.writer.write(data)
        written += len(data)
        while before := waiting():
            if not await shrinks(waiting, before):
                return written - before
    return written


async def shrinks(size: Callable[[], int], before: int) -> bool:
    for _ in range(ROUNDS):
        await asyncio.sleep(0)
        if size() < before:
            return True
    return False


@pytest.mark.parametrize("target", ["/graphql", V1])
@pytest.mark.parametrize("kind", ["messages", "control frames"])
async def test_who_does_not_read_is_not_read(house: House, target: str, kind: str) -> None:
    async with wire(house.url, SMALL) as connection:
        await connection.send(handshake(target))
        await connection.until(b"\r\n\r\n")
        if target == "/graphql":
            await connection.send(frame(b'{"type": "connection_init"}'))
            await connection.until(b"connection_ack")
        one = frame(b'{"type": "ping"}') if kind == "messages" else frame(b"x" * 125, Opcode.PING)
        assert await flooded(connection, one * 5000) < ENOUGH
