"""A real web site, whose pages a test chooses."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from domain.knowledge.reading import FailureCode

STATUSES = {FailureCode.NOT_FOUND: 404, FailureCode.REFUSED: 403, FailureCode.UNREACHABLE: 503}
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Site:
    """`origin` is such as `http://127.0.0.1:43210`. A page is known by its path with the query."""

    origin: str = ""
    pages: dict[str, Answer] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)

    @property
    def pair(self) -> str:
        return self.origin.split("/")[2]

    @property
    def port(self) -> int:
        return int(self.pair.split(":")[1])

    def add(self, path: str, body: bytes, media_type: str = "text/html") -> None:
        self.answer(path, body=body, headers={"Content-Type": media_type})

    def redirect(self, path: str, to: str) -> None:
        self.answer(path, status=302, headers={"Location": to})

    def fail(self, path: str, code: FailureCode) -> None:
        self.answer(path, status=STATUSES[code])

    def answer(self, path: str, status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        async def respond(_request: web.Request) -> web.Response:
            return web.Response(status=status, body=body, headers=headers)

        self.pages[path] = respond

    async def respond(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        page = self.pages.get(request.path_qs)
        return await page(request) if page else web.Response(status=404)


@asynccontextmanager
async def running_site(tls: ssl.SSLContext | None = None) -> AsyncGenerator[Site]:
    """On a free port of 127.0.0.1."""
    site = Site()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", site.respond)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        site.origin = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
        yield site
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(answer: bytes) -> AsyncGenerator[str]:
    """Says the same bytes to whoever connects, and hangs up; gives its `host:port`."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await reader.read(65536):
                writer.write(answer)
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
