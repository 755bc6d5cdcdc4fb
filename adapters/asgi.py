"""Pure ASGI middleware that every door stands behind."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequestContext:
    """Puts what `make` returns under `scope["state"]["context"]`, for HTTP and WebSocket requests.

    `headers_of` gives the response headers that tell of it, once the response starts.
    """

    def __init__(
        self, app: ASGIApp, make: Callable[[Scope, Headers], Any], headers_of: Callable[[Any], dict[str, str]]
    ) -> None:
        self._app, self._make, self._headers_of = app, make, headers_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        context = self._make(scope, Headers(scope=scope))
        scope.setdefault("state", {})["context"] = context

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers_of(context).items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, tell if scope["type"] == "http" else send)


class BodyTooLarge(Exception):
    """Raised inside the application while it reads a body that is over the limit."""


class BodyLimit:
    """Refuses request bodies over `limit` bytes, by their declared length or while they arrive."""

    def __init__(self, app: ASGIApp, limit: int, refuse: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app, self._limit, self._refuse = app, limit, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._limit:
            await self._refuse(scope, receive, send)
            return
        await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen, answered = 0, False

        async def count() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise BodyTooLarge
            return message

        async def note(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, count, note)
        except BodyTooLarge:
            if answered:
                raise
            await self._refuse(scope, receive, send)
