"""Every way into the server, behind one face: each conversation case runs through all of them."""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply as a visitor got it. `pieces` is empty where the door does not stream."""

    text: str
    emotion: str
    sources: tuple[Mapping[str, Any], ...]
    pieces: tuple[str, ...] = ()


class Refused(Exception):
    """The server's own error, by its code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Door(ABC):
    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url, self.http = url, http

    @abstractmethod
    async def start(self, short_id: str, **visitor: str) -> str:
        """Starts a session and returns its id. Raises `Refused`."""

    @abstractmethod
    async def say(self, short_id: str, session: str, words: str, client_message_id: str | None = None) -> Answer:
        """Sends words and waits for the whole reply. Raises `Refused`."""

    @abstractmethod
    async def end(self, short_id: str, session: str) -> dict[str, Any]:
        """Ends the session: `questionCount` and `latency`. Raises `Refused`."""


EVENT = """
  __typename
  ... on ReplyStarted { seq replyId }
  ... on ReplyChunk { seq replyId text }
  ... on EmotionChanged { seq replyId emotion }
  ... on SpeechSegment { seq replyId }
  ... on ProviderSwitched { seq replyId model reason }
  ... on ReplyDone { seq replyId text emotion model interrupted message { id content } sources { title relevance number url page } latency { total llm } }
  ... on ReplyFailed { seq replyId code reason retryable }
"""  # noqa: E501
CHAT = f"subscription ($input: SendMessageInput!) {{ chat(input: $input) {{ {EVENT} }} }}"
REPLY = f"subscription ($id: ID!, $after: Int) {{ reply(replyId: $id, afterSeq: $after) {{ {EVENT} }} }}"
START = "mutation ($input: StartSessionInput!) { startSession(input: $input) { session { id greeting } } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { reply { id } message { id content } } }"
END = """mutation ($input: EndSessionInput!) {
  endSession(input: $input) { sessionId questionCount latency { p50 p95 avg } }
}"""


class GraphQL(Door):
    async def execute(self, query: str, variables: Mapping[str, object]) -> dict[str, Any]:
        async with self.http.post(
            f"{self.url}/graphql", json={"query": query, "variables": dict(variables)}
        ) as response:
            return self.data(await response.json())

    @staticmethod
    def data(payload: dict[str, Any]) -> dict[str, Any]:
        if payload.get("errors"):
            raise Refused(payload["errors"][0]["extensions"]["code"])
        data: dict[str, Any] = payload["data"]
        return data

    async def start(self, short_id: str, **visitor: str) -> str:
        started = await self.execute(START, {"input": {"shortId": short_id, **visitor}})
        return str(started["startSession"]["session"]["id"])

    async def end(self, short_id: str, session: str) -> dict[str, Any]:
        ended: dict[str, Any] = (await self.execute(END, {"input": {"sessionId": session}}))["endSession"]
        return ended

    async def say(self, short_id: str, session: str, words: str, client_message_id: str | None = None) -> Answer:
        sent = {"sessionId": session, "content": words, "clientMessageId": client_message_id}
        return await folded(self.events(sent))

    @abstractmethod
    def events(self, sent: Mapping[str, object]) -> AsyncGenerator[dict[str, Any]]:
        """The reply's events to a message."""


async def folded(events: AsyncIterator[dict[str, Any]]) -> Answer:
    pieces: list[str] = []
    async for event in events:
        if event["__typename"] == "ReplyChunk":
            pieces.append(event["text"])
        elif event["__typename"] == "ReplyDone":
            assert "".join(pieces) == event["text"] == event["message"]["content"]
            return Answer(event["text"], event["emotion"], tuple(event["sources"]), tuple(pieces))
        elif event["__typename"] == "ReplyFailed":
            raise Refused(event["code"])
    raise AssertionError("the stream ended without an ending")


class GraphQLSocket(GraphQL):
    """The `chat` subscription over graphql-transport-ws."""

    async def events(self, sent: Mapping[str, object]) -> AsyncGenerator[dict[str, Any]]:
        async for payload in self.subscribe(CHAT, {"input": dict(sent)}):
            yield self.data(payload)["chat"]

    async def subscribe(self, query: str, variables: Mapping[str, object]) -> AsyncGenerator[dict[str, Any]]:
        async with self.http.ws_connect(f"{self.url}/graphql", protocols=["graphql-transport-ws"]) as socket:
            await socket.send_json({"type": "connection_init"})
            assert (await socket.receive_json())["type"] == "connection_ack"
            payload = {"query": query, "variables": dict(variables)}
            await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
            while (message := await socket.receive_json())["type"] != "complete":
                yield {"errors": message["payload"]} if message["type"] == "error" else message["payload"]


class GraphQLSendAndFollow(GraphQLSocket):
    """The `sendMessage` mutation over HTTP, then the `reply` subscription over a WebSocket."""

    async def events(self, sent: Mapping[str, object]) -> AsyncGenerator[dict[str, Any]]:
        reply = (await self.execute(SEND, {"input": dict(sent)}))["sendMessage"]["reply"]["id"]
        async for payload in self.subscribe(REPLY, {"id": reply}):
            yield self.data(payload)["reply"]


class GraphQLEvents(GraphQL):
    """The `chat` subscription over server-sent events."""

    async def events(self, sent: Mapping[str, object]) -> AsyncGenerator[dict[str, Any]]:
        async with self.http.post(
            f"{self.url}/graphql",
            json={"query": CHAT, "variables": {"input": dict(sent)}},
            headers={"Accept": "text/event-stream"},
        ) as response:
            if response.content_type != "text/event-stream":
                self.data(await response.json())
            async for line in response.content:
                if line.startswith(b"data: ") and len(line) > len(b"data: \n"):
                    yield self.data(json.loads(line[6:]))["chat"]


class Rest(Door):
    """`/v1` request and response."""

    async def call(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        async with self.http.post(f"{self.url}/v1/public/avatar/{path}", json=dict(body)) as response:
            payload = await response.json()
        if "error" in payload:
            raise Refused(payload["error"]["code"])
        data: dict[str, Any] = payload["data"]
        return data

    async def start(self, short_id: str, **visitor: str) -> str:
        return str((await self.call(f"{short_id}/session", visitor))["sessionId"])

    async def say(self, short_id: str, session: str, words: str, client_message_id: str | None = None) -> Answer:
        sent: dict[str, object] = {"sessionId": session, "message": words}
        if client_message_id:
            sent["clientMessageId"] = client_message_id
        answer = await self.call(f"{short_id}/chat", sent)
        return Answer(answer["displayText"], answer["emotion"], tuple(answer["sources"]))

    async def end(self, short_id: str, session: str) -> dict[str, Any]:
        return await self.call(f"{short_id}/session/{session}/end", {})


class RestSocket(Rest):
    """The `/v1` WebSocket."""

    async def say(self, short_id: str, session: str, words: str, client_message_id: str | None = None) -> Answer:
        frame = {"type": "message", "content": words, "sessionId": session}
        if client_message_id:
            frame["clientMessageId"] = client_message_id
        pieces: list[str] = []
        async with self.http.ws_connect(f"{self.url}/v1/public/avatar/{short_id}/ws") as socket:
            await socket.send_json(frame)
            while True:
                message = await socket.receive_json()
                if message["type"] == "chunk":
                    pieces.append(message["content"])
                elif message["type"] == "error":
                    raise Refused(message["code"])
                elif message["type"] == "done":
                    assert "".join(pieces) == message["fullText"]
                    return Answer(message["fullText"], message["emotion"], tuple(message["sources"]), tuple(pieces))


DOORS = (GraphQLSocket, GraphQLSendAndFollow, GraphQLEvents, Rest, RestSocket)


@asynccontextmanager
async def opened(kind: type[Door], url: str) -> AsyncIterator[Door]:
    async with aiohttp.ClientSession() as http:
        yield kind(url, http)
