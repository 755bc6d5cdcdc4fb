"""The ASGI application around the doors: pure ASGI middleware that they all stand behind.

They hand requests on without awaiting them: a coroutine of each would stay in memory for as long as a socket is open.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import PayloadTooLarge, Unavailable

MISDIRECTED_REQUEST = 421
FOREIGN_NAME = (
    "This server listens on its own machine alone and does not answer to this host name. "
    "Set AVATARIUM_PUBLIC_URL to the address that browsers use."
)
STOPPING = "This server is stopping. Send the request again."
# Any site may ask: no cookie is ever read, only bearer tokens count. The resolvers know where an avatar may be met.
ANY_SITE: dict[str, Any] = {
    "allow_origins": ["*"],
    "allow_methods": ["*"],
    "allow_headers": ["*"],
    "expose_headers": ["*"],
    "max_age": 86_400,
}


def application(
    routes: Sequence[BaseRoute],
    *,
    make_context: Callable[[Scope, Headers], Any],
    headers_of: Callable[[Any], dict[str, str]],
    on_error: Callable[[Any, Exception], Any],
    answers_to: Callable[[str | None], bool],
    is_stopping: Callable[[], bool],
    max_body_bytes: int,
) -> Starlette:
    """`on_error` answers whatever is raised, so that no exception's text reaches the server's log.

    `answers_to` says whether a `Host` is a name of this server, `is_stopping` whether its shutdown has begun.
    """
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(OwnNames, answers_to),
            Middleware(RequestContext, make_context, headers_of),
            Middleware(CORSMiddleware, **ANY_SITE),
            Middleware(ExceptionMiddleware, handlers={Exception: on_error}),
            Middleware(WhileStopping, is_stopping),
            Middleware(BodyLimit, max_body_bytes),
        ],
        exception_handlers={HTTPException: on_error},
    )


class OwnNames:
    """Answers 421 to requests for a host that this server is not."""

    def __init__(self, app: ASGIApp, answers_to: Callable[[str | None], bool]) -> None:
        self._app, self._answers_to = app, answers_to

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] in ("http", "websocket") and not self._answers_to(Headers(scope=scope).get("host")):
            return PlainTextResponse(FOREIGN_NAME, MISDIRECTED_REQUEST)(scope, receive, send)
        return self._app(scope, receive, send)


class RequestContext:
    """Puts what `make` returns under `scope["state"]["context"]`, for HTTP and WebSocket requests.

    `headers_of` gives the response headers that tell of it, once the response starts.
    """

    def __init__(
        self, app: ASGIApp, make: Callable[[Scope, Headers], Any], headers_of: Callable[[Any], dict[str, str]]
    ) -> None:
        self._app, self._make, self._headers_of = app, make, headers_of

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] not in ("http", "websocket"):
            return self._app(scope, receive, send)
        context = self._make(scope, Headers(scope=scope))
        scope.setdefault("state", {})["context"] = context

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers_of(context).items():
                    headers[name] = value
            await send(message)

        return self._app(scope, receive, tell if scope["type"] == "http" else send)


class WhileStopping:
    """Raises `Unavailable` for a request that a shutdown waits for no longer, unless its answer has begun."""

    def __init__(self, app: ASGIApp, is_stopping: Callable[[], bool]) -> None:
        self._app, self._is_stopping = app, is_stopping

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (self._watched if scope["type"] == "http" else self._app)(scope, receive, send)

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if has_begun or not self._is_stopping():
                raise
            raise Unavailable(STOPPING) from None


class BodyLimit:
    """Refuses bodies over `limit` bytes, by their declared length or as they arrive.

    A door that takes a file sets `scope["state"]["max_body_bytes"]` before it reads the body.
    `PayloadTooLarge` is raised where the door reads the body, so that it answers in its own shape.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        declared = Headers(scope=scope).get("content-length", "")
        expected, seen = int(declared) if declared.isdecimal() else 0, 0

        async def counted() -> Message:
            nonlocal seen
            limit = max(self._limit, scope.get("state", {}).get("max_body_bytes", 0))
            check(expected, limit)
            message = await receive()
            seen += len(message.get("body", b""))
            check(seen, limit)
            return message

        return self._app(scope, counted, send)


def check(size: int, limit: int) -> None:
    if size > limit:
        raise PayloadTooLarge(f"The request's body is too large: at most {limit} bytes are taken.")
