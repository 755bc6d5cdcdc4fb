"""The HTTP server: uvicorn, set up for many long streams."""

import gc
from collections.abc import Awaitable, Callable, Sequence
from socket import socket

import uvicorn
from starlette.types import ASGIApp

MAX_FRAME_BYTES = 256 * 1024
GRACEFUL_SECONDS = 15


class Server(uvicorn.Server):
    """Calls `drain` before it closes any connection."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        await self._drain()
        await super().shutdown(sockets)


def config(app: ASGIApp, *, host: str, port: int, log_level: str, trusted_proxies: Sequence[str]) -> uvicorn.Config:
    """No access log: a WebSocket's address may carry a token."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level=log_level,
        access_log=False,
        server_header=False,
        loop="auto",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        lifespan="on",
    )


def calm_garbage_collection() -> None:
    """Leaves what was loaded at start out of every collection, and collects more rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
