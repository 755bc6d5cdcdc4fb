"""Operations of one WebSocket: answers are made as they are taken; who waits for events keeps nobody waiting."""

import asyncio
import json
from contextlib import suppress
from typing import Any, cast

import pytest
from starlette.types import Message

from domain.ai.providers import Patience
from resolvers.context import Context, Services
from schema.door import GraphQLDoor
from schema.engine.places import PLACES
from tests.doors.doors import REPLY, SEND, START
from tests.schema.conftest import Client, socket

OPERATIONS = 3 * PLACES


@pytest.fixture
def patience() -> Patience:
    return Patience(first_token=60, between_tokens=60)


class Reluctant:
    """A client that asks for everything at once, and takes an answer only when `take` is set. `untaken`: those made."""

    def __init__(self) -> None:
        frames = [
            {"type": "connection_init"},
            *(
                {"id": str(each), "type": "subscribe", "payload": {"query": "{ __typename }"}}
                for each in range(OPERATIONS)
            ),
        ]
        self._frames = [{"type": "websocket.connect"}] + [
            {"type": "websocket.receive", "text": json.dumps(frame)} for frame in frames
        ]
        self._takes = asyncio.Semaphore(0)
        self.made, self.done = asyncio.Event(), asyncio.Event()
        self.untaken = self.most = self.finished = 0

    async def receive(self) -> Message:
        if self._frames:
            return self._frames.pop(0)
        return await asyncio.Future()

    async def send(self, message: Message) -> None:
        told = json.loads(message.get("text", "{}"))
        self.finished += told.get("type") == "complete"
        if self.finished == OPERATIONS:
            self.done.set()
        if told.get("type") == "next":
            self.untaken += 1
            self.most = max(self.most, self.untaken)
            self.made.set()
            await self._takes.acquire()
            self.untaken -= 1

    async def take_one(self) -> None:
        await self.made.wait()
        self.made.clear()
        for _ in range(100):  # whatever can be made without being taken is made
            await asyncio.sleep(0)
        if self.untaken > 1:
            self.made.set()
        self._takes.release()


async def test_answers_are_made_only_as_they_are_taken() -> None:
    client = Reluctant()
    context = Context(cast(Services, None), "request", "192.0.2.1")
    scope: dict[str, Any] = {
        "type": "websocket", "path": "/graphql", "headers": [], "query_string": b"",
        "subprotocols": ["graphql-transport-ws"], "state": {"context": context},
    }  # fmt: skip
    door = asyncio.create_task(GraphQLDoor(None, open_schema=True)(scope, client.receive, client.send))
    for _ in range(OPERATIONS):
        await client.take_one()
    await client.done.wait()
    door.cancel()
    with suppress(asyncio.CancelledError):
        await door
    assert client.most == PLACES


async def test_who_waits_for_events_holds_no_place(stranger: Client) -> None:
    async with socket(stranger) as opened:
        for number in range(PLACES + 1):
            stranger.house.models.script(stranger.house.first, asyncio.Event(), "Hello!")
            started = await stranger.data(START, input={"shortId": "DemoAvatar1"})
            sent = {"sessionId": started["startSession"]["session"]["id"], "content": "Hi"}
            reply = (await stranger.data(SEND, input=sent))["sendMessage"]["reply"]["id"]
            follow = {"query": REPLY, "variables": {"id": reply}}
            await opened.send_json({"id": str(number), "type": "subscribe", "payload": follow})
            assert (await opened.receive_json())["payload"]["data"]["reply"]["__typename"] == "ReplyStarted"
        await opened.send_json({"id": "query", "type": "subscribe", "payload": {"query": "{ __typename }"}})
        assert (await opened.receive_json())["id"] == "query"
