"""A visitor vanishes at every point of a conversation: the reply is stored whole, and no task stays behind."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.doors.doors import CHAT, SEND, Door, GraphQLEvents, Rest
from tests.doors.raw import Wire, frame, handshake, request, wire
from tests.served import House

PIECES = ("One ", "two ", "three.")
WHOLE = "".join(PIECES)
JSON = {"Content_Type": "application/json"}

pytestmark = pytest.mark.usefixtures("quiet_log")


@dataclass(frozen=True)
class Send:
    data: bytes


@dataclass(frozen=True)
class Hear:
    """Waits for these bytes."""

    marker: bytes


@dataclass(frozen=True)
class GoOn:
    """Lets the model say its next piece."""


Steps = Sequence[Send | Hear | GoOn]
Vanish = Callable[[Wire], None]


def bytes_of(value: object) -> bytes:
    return json.dumps(value).encode()


def operation(query: str, session: str) -> dict[str, object]:
    return {"query": query, "variables": {"input": {"sessionId": session, "content": "Talk"}}}


SPOKEN: Steps = [Hear(b"One "), GoOn(), Hear(b"two "), GoOn(), Hear(b"three."), GoOn()]


def by_rest(session: str) -> Steps:
    body = bytes_of({"sessionId": session, "message": "Talk"})
    sent = request("POST", "/v1/public/avatar/DemoAvatar1/chat", body, **JSON)
    return [Send(sent), GoOn(), GoOn(), GoOn(), Hear(WHOLE.encode())]


def by_v1_socket(session: str) -> Steps:
    message = frame(bytes_of({"type": "message", "content": "Talk", "sessionId": session}))
    opening: Steps = [Send(handshake("/v1/public/avatar/DemoAvatar1/ws")), Hear(b"\r\n\r\n")]
    return [*opening, Send(message), Hear(b"started"), *SPOKEN, Hear(b"done")]


def by_graphql_socket(session: str) -> Steps:
    subscribe = frame(bytes_of({"id": "1", "type": "subscribe", "payload": operation(CHAT, session)}))
    opening: Steps = [Send(handshake("/graphql")), Hear(b"\r\n\r\n")]
    hello: Steps = [Send(frame(b'{"type": "connection_init"}')), Hear(b"connection_ack")]
    return [*opening, *hello, Send(subscribe), Hear(b"ReplyStarted"), *SPOKEN, Hear(b"ReplyDone"), Hear(b"complete")]


def by_events(session: str) -> Steps:
    sent = request("POST", "/graphql", bytes_of(operation(CHAT, session)), Accept="text/event-stream", **JSON)
    return [Send(sent), Hear(b"ReplyStarted"), *SPOKEN, Hear(b"ReplyDone"), Hear(b"complete")]


def by_mutation(session: str) -> Steps:
    return [Send(request("POST", "/graphql", bytes_of(operation(SEND, session)), **JSON)), Hear(b"sendMessage")]


ROADS: dict[Callable[[str], Steps], type[Door]] = {
    by_rest: Rest,
    by_v1_socket: Rest,
    by_graphql_socket: GraphQLEvents,
    by_events: GraphQLEvents,
    by_mutation: GraphQLEvents,
}


def points(steps: Steps) -> list[Steps]:
    """The conversation up to each point: between any two steps, and in the middle of what is sent."""
    cuts: list[Steps] = []
    for number, step in enumerate(steps):
        cuts.append(steps[:number])
        if isinstance(step, Send):
            cuts.append([*steps[:number], Send(step.data[: len(step.data) // 2])])
    return [*cuts, steps]


async def play(steps: Steps, connection: Wire, gates: Iterator[asyncio.Event]) -> None:
    for step in steps:
        match step:
            case Send(data):
                await connection.send(data)
            case Hear(marker):
                await connection.until(marker)
            case GoOn():
                next(gates).set()


async def until_met(house: House, connection: Wire) -> None:
    while connection.address not in house.server.peers():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def until_missed(house: House, connection: Wire) -> None:
    """Until the server has read all that was sent, and has noticed that nobody is there any more."""
    while connection.address in house.server.peers():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def until_only(tasks: set[asyncio.Task[Any]]) -> None:
    """Until no other task than these is running: the server has done whatever it was asked."""
    while others := asyncio.all_tasks() - tasks:
        await asyncio.wait(others)


@pytest.mark.parametrize("vanish", [Wire.cut, Wire.close])
@pytest.mark.parametrize("road", ROADS)
async def test_a_visitor_vanishes_at_every_point(house: House, road: Callable[[str], Steps], vanish: Vanish) -> None:
    async with aiohttp.ClientSession() as http:
        door = ROADS[road](house.url, http)
        gates = [asyncio.Event() for _ in PIECES]
        house.models.script(house.first, *[step for pair in zip(PIECES, gates, strict=True) for step in pair])
        await door.start(house.short_id)  # so that the server has a connection to the client
        tasks = asyncio.all_tasks()
        for point in range(len(points(road("")))):
            house.clock.advance(60)
            before = len(house.messages())
            steps = points(road(await door.start(house.short_id)))[point]
            async with wire(house.url) as connection:
                await until_met(house, connection)
                await play(steps, connection, iter(gates))
                vanish(connection)
                await until_missed(house, connection)
            for gate in gates:
                gate.set()
            await until_only(tasks)
            stored = house.messages()[before:]
            assert stored in ([], [("user", "Talk", "complete"), ("assistant", WHOLE, "complete")])
            assert stored or not any(isinstance(step, GoOn) for step in steps)
            for gate in gates:
                gate.clear()
