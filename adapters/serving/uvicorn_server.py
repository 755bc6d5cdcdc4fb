"""The HTTP server: uvicorn, set up for many long streams."""

import gc
import logging
import os
import sys
from asyncio.transports import BaseTransport
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from socket import socket
from threading import Timer
from typing import TYPE_CHECKING, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode

from adapters.serving.http_protocol import HttpProtocol
from adapters.serving.listen_first import ListenFirst
from adapters.serving.unsent import Backlog, BoundedConfig, Unsent
from adapters.settings.settings import Settings

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

log = logging.getLogger("avatarium.serving")
NO_HANDSHAKE = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
MESSAGE_MAX_BYTES = 64 * 1024
# Seconds after which a thread that computes hands over to the event loop, ten times sooner than is Python's habit.
THREADS_TURN = 0.0005


class WebSocketProtocol(WebSocketsSansIOProtocol):
    def shutdown(self) -> None:
        """uvicorn's own raises for a socket that is being closed already, and the whole shutdown with it."""
        try:
            super().shutdown()
        except InvalidState:
            self.transport.close()

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._backlog = Backlog(self.transport, cast(BoundedConfig, self.config).unsent, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        self._backlog.ends()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Who does not read is not read either: uvicorn's own answers pings without end, all in memory.

        No pong can be awaited meanwhile.
        """
        super().pause_writing()
        self._backlog.begins()
        self.stop_keepalive()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self._backlog.ends()
        super().resume_writing()
        if self.handshake_complete and not self.close_sent:
            self.start_keepalive()
        if not self.read_paused:
            self.transport.resume_reading()

    async def send(self, message: "ASGISendEvent") -> None:
        """One message at a time: whichever is woken first may fill the buffer again."""
        if not self.writable.is_set():
            with self._backlog.waiting(sys.getsizeof(message.get("text"))):
                while not self.writable.is_set():
                    await self.writable.wait()
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # by a refusal: uvicorn's own logs an error for it

    def data_received(self, data: bytes) -> None:
        """uvicorn's own says nothing to a handshake that it cannot read, and keeps the connection for ever."""
        super().data_received(data)
        if self.conn.handshake_exc and not self.handshake_initiated:
            self.transport.write(NO_HANDSHAKE)
            self.transport.close()

    def send_receive_event_to_app(self) -> None:
        """uvicorn's own logs a stack trace for a text that is no UTF-8."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not is_utf8(b"".join(self.frames)):
            self.conn.send_close(CloseCode.INVALID_DATA)
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class Server(uvicorn.Server):
    """Calls `drain` before it closes any connection."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        await self._drain()
        await super().shutdown(sockets)


def config(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    trusted_proxies: Sequence[str],
    unsent: Unsent | None = None,
    graceful_seconds: float = 10.0,
) -> BoundedConfig:
    """Warnings only are logged: the address of a request or a WebSocket may carry a token."""
    return BoundedConfig(
        app,
        unsent=unsent or Unsent(),
        interface="asgi3",
        host=host,
        port=port,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        loop="auto",
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=MESSAGE_MAX_BYTES,
        ws_per_message_deflate=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_graceful_shutdown=graceful_seconds,
        lifespan="on",
    )


def run(
    open_app: Callable[[], AbstractAsyncContextManager[ASGIApp]],
    drain: Callable[[float], Awaitable[None]],
    settings: Settings,
) -> BaseException | None:
    """Listens at once, opens the application behind, and serves until it is told to stop.

    Of the time for the shutdown a third is for `drain`, a third for the requests that wait for their answers, and
    what is left for closing the application. Returns why it could not, if it could not.
    """
    failures: list[BaseException] = []

    def fail(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    front = ListenFirst(open_app, fail)
    trusted = [str(network) for network in settings.trusted_proxies]
    seconds = settings.shutdown_timeout

    async def drain_in_time() -> None:
        end_by_force_after(seconds)
        await drain(seconds / 3)

    serving = config(
        front, host=settings.host, port=settings.port, trusted_proxies=trusted, graceful_seconds=seconds / 3
    )
    server = Server(serving, drain_in_time)
    sys.setswitchinterval(THREADS_TURN)
    # uvicorn raises the signal that ended it once more.
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        failures.append(OSError(f"port {settings.port} of {settings.host} cannot be listened on"))
    return failures[0] if failures else None


def end_by_force_after(seconds: float) -> None:
    """From a thread: whatever is stuck may hold up the event loop, its threads, or the interpreter's own end."""

    def end() -> None:
        log.error("the shutdown took longer than %g seconds: the process ends by force", seconds)
        os._exit(1)

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()


def calm_garbage_collection() -> None:
    """Leaves what was loaded at start out of every collection, and looks at few new objects at a time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 2, 100)
