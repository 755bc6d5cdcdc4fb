"""A visitor for each door of ours."""

import json

from bench.rig.visitors import CHAT, QUESTION, RAW_SOCKET, RELAY, REPLY, SEND, Heard, OurVisitor, asked
from bench.rig.wire import Http, Lost, WebSocket

COMPLETE = b'"complete"'


class OverHttp(OurVisitor):
    floor = RELAY

    async def connect(self) -> None:
        self._http = await Http.open(self._url)

    def leave(self) -> None:
        self._http.close()


class OverSocket(OurVisitor):
    floor = RAW_SOCKET

    def leave(self) -> None:
        self._socket.close()

    async def connect(self) -> None:
        self._socket = await graphql_socket(self._url)

    async def subscribe(self, query: str, variables: dict[str, object]) -> Heard:
        message = {"id": "1", "type": "subscribe", "payload": {"query": query, "variables": variables}}
        heard = Heard(self._model, end=COMPLETE)
        await asked(self._socket, json.dumps(message).encode(), heard)
        return heard


async def graphql_socket(url: str) -> WebSocket:
    """A connection of graphql-transport-ws that was acknowledged."""
    socket = await WebSocket.open(url)
    await socket.upgrade("/graphql", "graphql-transport-ws")
    await socket.ask(b'{"type":"connection_init"}', lambda _: socket.finish())
    return socket


class GraphQLSubscription(OverSocket):
    title = "GraphQL subscription"

    async def say(self, session: str) -> Heard:
        return await self.subscribe(CHAT, {"input": {"sessionId": session, "content": QUESTION}})


class GraphQLSendAndFollow(OverSocket):
    title = "GraphQL mutation, then subscription"

    async def connect(self) -> None:
        await super().connect()
        self._http = await Http.open(self._url)

    async def say(self, session: str) -> Heard:
        body = {"query": SEND, "variables": {"input": {"sessionId": session, "content": QUESTION}}}
        heard = Heard(self._model)
        sent = json.loads(await self._http.post("/graphql", json.dumps(body).encode()))
        if "errors" in sent:
            raise Lost(str(sent["errors"]))
        followed = await self.subscribe(REPLY, {"id": sent["data"]["sendMessage"]["reply"]["id"]})
        followed.first += followed.asked - heard.asked
        return followed

    def leave(self) -> None:
        super().leave()
        self._http.close()


class GraphQLEvents(OverHttp):
    title = "GraphQL over SSE"

    async def say(self, session: str) -> Heard:
        body = {"query": CHAT, "variables": {"input": {"sessionId": session, "content": QUESTION}}}
        heard = Heard(self._model)
        await self._http.post("/graphql", json.dumps(body).encode(), "Accept: text/event-stream\r\n", heard.hear)
        return heard


class Rest(OverHttp):
    title = "/v1 REST"
    streams = False

    async def say(self, session: str) -> Heard:
        path = f"/v1/public/avatar/{await self._house.avatar(self._model)}/chat"
        body = {"sessionId": session, "message": QUESTION}
        heard = Heard(self._model)
        await self._http.post(path, json.dumps(body).encode(), hear=heard.hear)
        return heard


class RestSocket(OurVisitor):
    title = "/v1 WebSocket"
    floor = RAW_SOCKET

    async def connect(self) -> None:
        self._socket = await WebSocket.open(self._url)
        await self._socket.upgrade(f"/v1/public/avatar/{await self._house.avatar(self._model)}/ws")

    async def say(self, session: str) -> Heard:
        message = {"type": "message", "content": QUESTION, "sessionId": session}
        heard = Heard(self._model, end=b'"type":"done"')
        await asked(self._socket, json.dumps(message).encode(), heard)
        return heard

    def leave(self) -> None:
        self._socket.close()


DOORS: tuple[type[OurVisitor], ...] = (GraphQLSubscription, GraphQLSendAndFollow, GraphQLEvents, Rest, RestSocket)
