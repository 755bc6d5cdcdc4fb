"""Clients that others wrote follow a reply, drop the connection after every chunk, and resume to the same text."""

import asyncio
import json
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.transport.websockets import WebsocketsTransport

from tests.clients.conftest import node
from tests.doors.doors import REPLY, SEND, GraphQLSendAndFollow, opened
from tests.served import House

PIECES = ("Once ", "upon ", "a ", "time, ", "Grüße, ", "你好, ", "👋🏽 ", "and ", "the ", "end.")
WHOLE = "".join(PIECES)


class Narrator:
    """A model that says its next piece only when it is told to."""

    def __init__(self, house: House) -> None:
        self._gates = [asyncio.Event() for _ in PIECES]
        steps = [step for gate, piece in zip(self._gates, PIECES, strict=True) for step in (gate, piece)]
        house.models.script(house.first, *steps)

    def go_on(self) -> None:
        for gate in self._gates:
            if not gate.is_set():
                gate.set()
                return


async def reply_of(house: House) -> str:
    async with opened(GraphQLSendAndFollow, house.url) as door:
        assert isinstance(door, GraphQLSendAndFollow)
        session = await door.start(house.short_id)
        sent = await door.execute(SEND, {"input": {"sessionId": session, "content": "Tell me a story"}})
    return str(sent["sendMessage"]["reply"]["id"])


def check(events: list[dict[str, Any]]) -> None:
    chunks = [event["text"] for event in events if event["__typename"] == "ReplyChunk"]
    assert "".join(chunks) == WHOLE
    assert len(chunks) == len(PIECES)
    seqs = [event["seq"] for event in events]
    assert seqs == sorted(set(seqs))
    assert events[-1] == {**events[-1], "__typename": "ReplyDone", "text": WHOLE}


@pytest.mark.parametrize("transport", ["ws", "sse"])
async def test_npm_clients_resume_to_the_same_text(house: House, transport: str) -> None:
    narrator = Narrator(house)
    async with node("follow.mjs", transport, f"{house.url}/graphql", await reply_of(house)) as process:
        assert process.stdout
        assert process.stderr
        events = []
        while line := await process.stdout.readline():
            events.append(json.loads(line))
            narrator.go_on()
        assert await process.wait() == 0, (await process.stderr.read()).decode()
    check(events)


async def test_gql_resumes_to_the_same_text(house: House) -> None:
    narrator, reply = Narrator(house), await reply_of(house)
    events: list[dict[str, Any]] = []
    while not events or events[-1]["__typename"] != "ReplyDone":
        after = events[-1]["seq"] if events else 0
        transport = WebsocketsTransport(
            f"{house.url.replace('http', 'ws')}/graphql", connect_timeout=None, ack_timeout=None, close_timeout=None
        )
        async with Client(transport=transport) as session:
            subscription = session.subscribe(GraphQLRequest(REPLY, variable_values={"id": reply, "after": after}))
            async for result in subscription:
                events.append(result["reply"])
                narrator.go_on()
                if events[-1]["__typename"] == "ReplyChunk":
                    break
            await subscription.aclose()
    check(events)
