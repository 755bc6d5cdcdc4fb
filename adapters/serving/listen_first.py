"""Answers on the port at once, while the application behind it still loads."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

STARTING = {"status": "unready", "reasons": ["STARTING"]}


class ListenFirst:
    """An ASGI application that opens another in the background.

    `/health` always answers: `starting`, then `ok`. `/ready` is refused with 503 and every other request
    waits until the application is open. When it cannot be opened, `on_failure` is called with the error.
    """

    def __init__(
        self,
        open_app: Callable[[], AbstractAsyncContextManager[ASGIApp]],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._open_app, self._on_failure = open_app, on_failure
        self._stack = AsyncExitStack()
        self._opening: asyncio.Task[ASGIApp] | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Once the application is open there is nothing left of this in a connection, which may be one of thousands."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        if scope["type"] == "http" and scope["path"] == "/health":
            return JSONResponse({"status": self._status()})(scope, receive, send)
        if self._opening is not None and self._opening.done():
            return self._opening.result()(scope, receive, send)
        if scope["type"] == "http" and scope["path"] == "/ready":
            return JSONResponse(STARTING, 503)(scope, receive, send)
        return self._when_open(scope, receive, send)

    async def _when_open(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._opening is not None:
            app = await asyncio.shield(self._opening)
            await app(scope, receive, send)

    def _status(self) -> str:
        return "ok" if self._opening and self._opening.done() else "starting"

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._opening = asyncio.create_task(self._open())
        self._opening.add_done_callback(self._opened)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._opening.cancel()
        await asyncio.wait({self._opening})
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> ASGIApp:
        return await self._stack.enter_async_context(self._open_app())

    def _opened(self, opening: asyncio.Task[ASGIApp]) -> None:
        if not opening.cancelled() and (error := opening.exception()):
            self._on_failure(error)
