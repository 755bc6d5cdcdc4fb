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


class PromptServer(Server):
    """Tells when it listens and whom it is connected with, and stops at once.

    uvicorn's own server looks only ten times a second whether it may stop.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ready, self.stopping = asyncio.Event(), asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.config.port}"

    def peers(self) -> set[object]:
        """The addresses of the clients that it has accepted and not lost yet."""
        return {each.transport.get_extra_info("peername") for each in self.server_state.connections}

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self.ready.set()
        await self.stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._drain()
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@asynccontextmanager
async def running(services: Services, metrics: Metrics | None = None, /, **settings: object) -> AsyncIterator[str]:
    """Serves both doors; gives the server's address, such as `http://127.0.0.1:43210`."""
    async with server_of(services, metrics, **settings) as server:
        yield server.url


@asynccontextmanager
async def server_of(
    services: Services, metrics: Metrics | None = None, /, **settings: object
) -> AsyncIterator[PromptServer]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        app = build(services, Settings(_env_file=None, **settings), metrics)  # type: ignore[arg-type]
        server = PromptServer(config(app, host="127.0.0.1", port=port, trusted_proxies=()), services.turns.close)
        server.config.lifespan = "off"
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await server.ready.wait()
            yield server
        finally:
            server.stopping.set()
            await serving
