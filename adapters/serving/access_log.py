"""One line in the log, and one measure, for each request."""

import logging
from contextlib import AbstractContextManager, nullcontext
from time import monotonic

from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.observing.metrics import Metrics

log = logging.getLogger("avatarium.access")
SOCKET = "WEBSOCKET"
UNKNOWN = "unknown"
PROBES = frozenset({"/ready", "/metrics"})
"""What machines ask every few seconds: logged at level debug."""


class AccessLog:
    """Tells method, route, status and milliseconds of every HTTP request and WebSocket, once it is over.

    A route is a path as it was declared: addresses, headers and bodies may hold secrets.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics | None) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        exchange = Exchange(send)
        try:
            with self._counted(scope):
                await self._app(scope, receive, exchange.send)
        finally:
            self._tell(scope, exchange)

    def _counted(self, scope: Scope) -> AbstractContextManager[None]:
        return self._metrics.socket() if self._metrics and scope["type"] == "websocket" else nullcontext()

    def _tell(self, scope: Scope, exchange: "Exchange") -> None:
        method, route = scope.get("method", SOCKET), route_of(scope)
        if self._metrics:
            self._metrics.request(method, route, exchange.status, exchange.seconds_to_answer)
        level = logging.DEBUG if route in PROBES else logging.INFO
        if log.isEnabledFor(level):
            told = {"method": method, "route": route, "status": exchange.status, "ms": exchange.milliseconds()}
            log.log(level, "request", extra=told | {"request_id": request_id_of(scope)})


class Exchange:
    """A request while it is answered. `status` is 500 for one that is never answered."""

    __slots__ = ("_began", "_send", "seconds_to_answer", "status")

    def __init__(self, send: Send) -> None:
        self.status = 500
        self.seconds_to_answer = 0.0
        self._send, self._began = send, monotonic()

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
            self.status = message.get("status", 101)
            self.seconds_to_answer = monotonic() - self._began
        await self._send(message)

    def milliseconds(self) -> float:
        return round((monotonic() - self._began) * 1000, 1)


def route_of(scope: Scope) -> str:
    """The path as it was declared. A path that nothing was declared for could hold anything."""
    match scope.get("route"):
        case Route(path="/{path:path}") | None:
            return UNKNOWN
        case Route(path=path) | WebSocketRoute(path=path):
            return str(scope.get("root_path", "")) + path
        case Mount(path=path):
            return f"{path}/…"
    return UNKNOWN


def request_id_of(scope: Scope) -> str | None:
    return getattr(scope.get("state", {}).get("context"), "request_id", None)
