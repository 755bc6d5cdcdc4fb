"""Who comes through the door in these tests, and what they send."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import orjson
from starlette.types import ASGIApp, Message

OWNER, STRANGER = "owner-token", "stranger-token"
MODEL = "groq/llama-3.3-70b-versatile"

# The request body of the API reference, word for word.
DOCUMENTED = {
    "slug": "my-avatar",
    "name": "Sales Assistant",
    "tagline": "Helps visitors with product questions",
    "avatarModelUrl": "https://cdn.avatarium.ai/models/...",
    "avatarBody": "F",
    "personality": "Friendly, knowledgeable, professional",
    "greeting": "Hi! How can I help you today?",
    "voiceGender": "female",
    "ttsProvider": "groq",
    "aiProvider": "groq",
    "aiModel": "llama-3.3-70b-versatile",
    "isPublic": True,
    "voiceChatEnabled": True,
    "traits": ["helpful", "concise", "warm"],
    "tone": "professional",
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True)
class Owner:
    http: httpx.AsyncClient
    headers: Mapping[str, str]

    async def request(self, method: str, path: str, body: object = None) -> httpx.Response:
        content = None if body is None else orjson.dumps(body)
        return await self.http.request(method, path, content=content, headers=dict(self.headers))

    async def create(self, **fields: object) -> dict[str, Any]:
        """The `data` of a new avatar."""
        response = await self.request("POST", "/consumer-avatars", DOCUMENTED | fields)
        assert response.status_code == 200, response.text
        data: dict[str, Any] = response.json()["data"]
        return data

    async def change(self, avatar_id: str, **fields: object) -> httpx.Response:
        return await self.request("PATCH", f"/consumer-avatars/{avatar_id}", fields)


async def session_of(http: httpx.AsyncClient, short_id: str) -> str:
    response = await http.post(f"/public/avatar/{short_id}/session")
    assert response.status_code == 200, response.text
    return str(response.json()["data"]["sessionId"])


async def say(http: httpx.AsyncClient, short_id: str, session_id: str, words: str, **more: object) -> httpx.Response:
    body = {"sessionId": session_id, "message": words, **more}
    return await http.post(f"/public/avatar/{short_id}/chat", json=body)


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


class Visitor:
    """A WebSocket client that calls the application directly, in the test's own event loop.

    Like a real server it refuses to send to a visitor who has left.
    """

    def __init__(self, app: ASGIApp, path: str, query: str = "", token: str | None = None) -> None:
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        self.scope: dict[str, Any] = {
            "type": "websocket",
            "path": f"/v1{path}",
            "raw_path": f"/v1{path}".encode(),
            "root_path": "",
            "scheme": "ws",
            "query_string": query.encode(),
            "headers": headers,
            "subprotocols": [],
            "client": ("192.0.2.1", 50000),
        }
        self._app = app
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._outgoing: asyncio.Queue[Message] = asyncio.Queue()
        self._left = False

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        await self._incoming.put({"type": "websocket.connect"})
        assert (await self._next())["type"] == "websocket.accept"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Hangs up, and waits until the server's side of the socket is over."""
        await self._incoming.put({"type": "websocket.disconnect", "code": 1001})
        await self._running

    async def vanish(self) -> None:
        """Is cut off; the server only notices when it sends."""
        self._left = True
        await self._running

    async def send(self, type_: str, **fields: object) -> None:
        await self.send_text(orjson.dumps({"type": type_, **fields}).decode())

    async def say(self, content: str, **fields: object) -> list[dict[str, Any]]:
        """Sends a message; gives the frames of the whole reply."""
        await self.send("message", content=content, **fields)
        return await self.frames()

    async def send_text(self, text: str) -> None:
        await self._incoming.put({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        await self._incoming.put({"type": "websocket.receive", "bytes": data})

    async def frame(self) -> dict[str, Any]:
        """The next frame."""
        message = await self._next()
        assert message["type"] == "websocket.send", message
        frame: dict[str, Any] = orjson.loads(message["text"])
        return frame

    async def frames(self, last: str = "done") -> list[dict[str, Any]]:
        """The frames up to one of the type `last`."""
        frames = [await self.frame()]
        while frames[-1]["type"] != last:
            frames.append(await self.frame())
        return frames

    async def closed(self) -> int:
        """The code that the server closes the socket with, as its next message."""
        message = await self._next()
        assert message["type"] == "websocket.close", message
        return int(message["code"])

    async def _next(self) -> Message:
        return await self._outgoing.get()

    async def _run(self) -> None:
        async def send(message: Message) -> None:
            if self._left:
                raise OSError("the visitor has left")
            await self._outgoing.put(message)

        await self._app(self.scope, self._incoming.get, send)


Connect = Callable[..., Visitor]
