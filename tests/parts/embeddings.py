"""A provider of embeddings over HTTP, by OpenAI's protocol, which stops answering when a test says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.fakes.embedder import vector_of


class Embeddings:
    """Answers `calls` requests, and the rest once `may_go_on` is set. `texts` are those that it has answered."""

    def __init__(self, calls: int) -> None:
        self.url = ""
        self.texts: list[str] = []
        self.stalled, self.may_go_on = asyncio.Event(), asyncio.Event()
        self._calls = calls

    async def answer(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._calls -= 1
        if self._calls < 0 and not self.may_go_on.is_set():
            self.stalled.set()
            await self.may_go_on.wait()
        self.texts += asked["input"]
        data = [
            {"object": "embedding", "index": at, "embedding": vector_of(text)} for at, text in enumerate(asked["input"])
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return web.json_response({"object": "list", "data": data, "model": asked["model"], "usage": usage})


@asynccontextmanager
async def running_embeddings(calls: int = 0) -> AsyncIterator[Embeddings]:
    """On a free port of 127.0.0.1."""
    provider, app = Embeddings(calls), web.Application()
    app.router.add_post("/embeddings", provider.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        provider.may_go_on.set()
        await runner.cleanup()
