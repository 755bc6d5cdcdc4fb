"""A real server on a random loopback port, over whichever services a test gives it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.observing.metrics import Metrics
from adapters.serving.uvicorn_server import Server, config
from adapters.settings.settings import Settings
from app import build
from resolvers.context import Services


class ReadyServer(Server):
    """Tells when it listens, and whom it is connected with."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ready = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.config.port}"

    def peers(self) -> set[object]:
        """The addresses of the clients that it has accepted and not lost yet."""
        return {each.transport.get_extra_info("peername") for each in self.server_state.connections}

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def running(services: Services, metrics: Metrics | None = None, /, **settings: object) -> AsyncIterator[str]:
    """Serves both doors; gives the server's address, such as `http://127.0.0.1:43210`."""
    async with server_of(services, metrics, **settings) as server:
        yield server.url


@asynccontextmanager
async def server_of(
    services: Services, metrics: Metrics | None = None, /, **settings: object
) -> AsyncIterator[ReadyServer]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        app = build(services, Settings(_env_file=None, **settings), metrics)  # type: ignore[arg-type]
        server = ReadyServer(config(app, host="127.0.0.1", port=port, trusted_proxies=()), services.turns.close)
        server.config.lifespan = "off"
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await server.ready.wait()
            yield server
        finally:
            server.should_exit = True
            await serving
