"""The least that a relay of streamed replies can cost: what our figures are held beside.

`python -m bench.rig.floors --port P --upstream URL` serves, with the settings of our own server:
`POST /relay`, which hands on the upstream's bytes; the WebSocket `/relay`, which parses the upstream's
stream and sends one frame a read; and `/health`. None of them checks, stores or remembers anything.
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send


class Relay:
    """Raw ASGI on both protocols, behind Starlette's router."""

    def __init__(self, upstream: str) -> None:
        self._url = f"{upstream}/chat/completions"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http: aiohttp.ClientSession = scope["app"].state.http
        await (self._socket if scope["type"] == "websocket" else self._bytes)(http, receive, send)

    async def _bytes(self, http: aiohttp.ClientSession, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        async with http.post(self._url, data=body) as response:
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            async for data in response.content.iter_any():
                await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body"})

    async def _socket(self, http: aiohttp.ClientSession, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            async with http.post(self._url, data=message["text"]) as response:
                rest = b""
                async for data in response.content.iter_any():
                    *lines, rest = (rest + data).split(b"\n")
                    if text := "".join(words(line) for line in lines):
                        await send_frame(send, {"type": "chunk", "content": text})
            await send_frame(send, {"type": "done"})


def words(line: bytes) -> str:
    if not line.startswith(b"data: {"):
        return ""
    choices = orjson.loads(line[6:])["choices"]
    return str(choices[0]["delta"].get("content", "")) if choices else ""


async def send_frame(send: Send, frame: dict[str, str]) -> None:
    await send({"type": "websocket.send", "text": orjson.dumps(frame).decode()})


async def health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


def application(upstream: str) -> ASGIApp:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as app.state.http:
            yield

    relay = Relay(upstream)
    routes = [Route("/health", health), Route("/relay", relay), WebSocketRoute("/relay", relay)]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    parser = argparse.ArgumentParser(description="Raw relays")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    given = parser.parse_args()
    uvicorn.run(
        application(given.upstream), port=given.port, log_level="warning", access_log=False,
        loop="uvloop", http="httptools", ws="websockets-sansio", ws_per_message_deflate=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
