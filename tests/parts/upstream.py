"""A real server of the OpenAI streaming protocol, whose behaviour is chosen by the name of the model.

`async with running_upstream() as upstream:` within a test, or `python -m tests.parts.upstream --port P`
beside it, which prints its address once it listens; `GET /recorded` then tells what it was asked.

| model | answer |
|---|---|
| `whole`, and any other name | `TEXT`, with usage and `[DONE]` |
| `cites` | `CITING`, whose second citation is of nothing |
| `tokens-N` | N tokens of five letters and a space |
| `dictated` | each text that the test puts into `dictation`, and never an end |
| `split` | `TEXT`, each byte in a write of its own |
| `400` `401` `403` `404` `429` `500` … | that HTTP status; `429` with `Retry-After: 7` |
| `redirect` | 302 to `/elsewhere/chat/completions` on this server |
| `html` | a web page with status 200 |
| `empty` | a stream without a byte |
| `silent` | nothing, ever |
| `half` | seven tokens, then the connection is cut as soon as it may be |
| `stall` | seven tokens, then nothing |
| `nodone` | seven tokens, then an orderly end without finish reason and `[DONE]` |
| `error-in-stream` | seven tokens, then an `error` object |

It records requests to other paths too, and answers them with 404.
"""

import argparse
import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

TEXT = "Grüße aus Zürich! 今日は、世界。 A family: 👩‍👩‍👧, a flag: 🇨🇭. That is all."
CITING = "That is so [1], as everybody knows [9]."
SEVEN = "token " * 7
PROMPT_TOKENS = 11
RETRY_AFTER = 7
TOKENS = re.compile(r"tokens-(\d+)")
STATUS = re.compile(r"[45]\d\d")


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived. Header names are in lower case; one connection has one `client`."""

    client: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def keys(self) -> list[str]:
        """The keys that it carried, in whichever header a provider wants its key."""
        names = ("authorization", "x-api-key", "x-goog-api-key", "api-key")
        return [self.headers[name].removeprefix("Bearer ") for name in names if name in self.headers]


@dataclass
class Upstream:
    """`asked` is set when a request has come, and `hung_up` when a client leaves before its answer is over.

    A cut connection loses what the client has not read yet. A test that wants all of it read clears `may_cut` until
    it is.
    """

    url: str
    requests: list[Recorded] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    dictation: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    may_cut: asyncio.Event = field(default_factory=asyncio.Event)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_cut.set()

    @property
    def last(self) -> Recorded:
        return self.requests[-1]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await self.record(request)
        try:
            return await self.respond(request, body)
        except (asyncio.CancelledError, ConnectionResetError):
            self.hung_up.set()
            raise

    async def refuse(self, request: web.Request) -> web.Response:
        await self.record(request)
        return web.json_response({"error": {"message": "Only chat completions are spoken here"}}, status=404)

    async def record(self, request: web.Request) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(await request.read())
        headers = {name.lower(): value for name, value in request.headers.items()}
        client = str(request.transport and request.transport.get_extra_info("peername"))
        self.requests.append(Recorded(client, request.path, headers, body))
        self.asked.set()
        return body

    async def recorded(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(request) for request in self.requests])

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/recorded", self.recorded)
        application.router.add_post("/{path:.*}/chat/completions", self.answer)
        application.router.add_post("/{path:.*}", self.refuse)
        return application

    async def respond(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        model = str(body["model"])
        if STATUS.fullmatch(model):
            headers = {"Retry-After": str(RETRY_AFTER)} if model == "429" else {}
            # As providers do, it quotes what it was sent: nothing of this may come to light.
            return web.json_response({"error": {"message": f"refused: {body}"}}, status=int(model), headers=headers)
        if model == "redirect":
            return web.Response(status=302, headers={"Location": "/elsewhere/chat/completions"})
        if model == "html":
            return web.Response(text="<html><body>Sign in to the hotel network</body></html>", content_type="text/html")
        if model == "silent":
            await asyncio.Event().wait()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await self.speak(model, request, response, with_usage=bool(body.get("stream_options")))
        return response

    async def speak(self, model: str, request: web.Request, response: web.StreamResponse, with_usage: bool) -> None:
        if tokens := TOKENS.fullmatch(model):
            count = int(tokens[1])
            await write(response, [*[token_event(model, "token ")] * count, *ending(model, count, with_usage)])
        elif model == "dictated":
            while True:
                await write(response, [token_event(model, await self.dictation.get())])
        elif model == "split":
            for byte in "".join(whole_answer(model, with_usage)).encode():
                await response.write(bytes([byte]))
        elif model in BROKEN:
            await write(response, [token_event(model, "token ")] * 7)
            await BROKEN[model](self, request, response)
        elif model != "empty":
            await write(response, whole_answer(model, with_usage))

    async def cut(self, request: web.Request, _response: web.StreamResponse) -> None:
        await self.may_cut.wait()
        if request.transport:
            request.transport.abort()

    async def stall(self, _request: web.Request, _response: web.StreamResponse) -> None:
        await asyncio.Event().wait()

    async def end(self, _request: web.Request, _response: web.StreamResponse) -> None:
        return

    async def report_an_error(self, _request: web.Request, response: web.StreamResponse) -> None:
        await write(response, [event({"error": {"message": "The server had an error", "type": "server_error"}})])


@asynccontextmanager
async def running_upstream(port: int = 0) -> AsyncGenerator[Upstream]:
    """On a port of 127.0.0.1, a free one unless told otherwise."""
    upstream = Upstream("")
    runner = web.AppRunner(upstream.application(), handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield upstream
    finally:
        await runner.cleanup()


BROKEN: dict[str, Callable[[Upstream, web.Request, web.StreamResponse], Awaitable[None]]] = {
    "half": Upstream.cut,
    "stall": Upstream.stall,
    "nodone": Upstream.end,
    "error-in-stream": Upstream.report_an_error,
}


async def write(response: web.StreamResponse, events: Iterable[str]) -> None:
    for each in events:
        await response.write(each.encode())


def whole_answer(model: str, with_usage: bool) -> list[str]:
    words = re.findall(r"\S+\s*", CITING if model == "cites" else TEXT)
    return [*(token_event(model, word) for word in words), *ending(model, len(words), with_usage)]


def ending(model: str, tokens: int, with_usage: bool) -> list[str]:
    finish = chunk(model, [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}])
    usage = {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": tokens,
        "total_tokens": PROMPT_TOKENS + tokens,
    }
    counted = [event(chunk(model, []) | {"usage": usage})] if with_usage else []
    return [event(finish), *counted, "data: [DONE]\n\n"]


def token_event(model: str, text: str) -> str:
    delta = {"role": "assistant", "content": text}
    return event(chunk(model, [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]))


def chunk(model: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-upstream",
        "object": "chat.completion.chunk",
        "created": 1767268800,
        "model": model,
        "choices": choices,
    }


def event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


async def serve(port: int) -> None:
    async with running_upstream(port) as upstream:
        print(upstream.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A server of the OpenAI streaming protocol that fails on demand")
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))
