"""A fake server of the OpenAI streaming protocol that costs next to nothing.

`python -m bench.rig.upstream --port P`. The model `tokens-N` answers with N tokens at once, and
`tokens-N-Mms` with one every M milliseconds. A token is a word of its own, `word0 ` and on.
"""

import argparse
import asyncio
import re
from functools import cache
from typing import cast

import httptools
import uvloop

AT_ONCE, PACED, SHORT = "tokens-100", "tokens-100-2ms", "tokens-10-2ms"
MODEL = re.compile(rb'"model"\s*:\s*"(tokens-(\d+)(?:-(\d+)ms)?)"')
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FRAME = (
    'data: {"id":"chatcmpl-Bq1mO4cQ8vYJx5rTn2Wk7LdZp3HsE","object":"chat.completion.chunk","created":1767268800,'
    '"model":"%s","service_tier":"default","system_fingerprint":"fp_62f7ba9d3c",%s}\n\n'
)
CHOICE = '"choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}]'
USAGE = '"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":%d,"total_tokens":%d}'


def word(number: int) -> str:
    return f"word{number}. " if number % 10 == 9 else f"word{number} "


@cache
def answer(model: str, tokens: int, usage: bool) -> tuple[bytes, ...]:
    """One piece of an HTTP body for each token, and one for the end."""
    said = [FRAME % (model, CHOICE % (f'{{"content":"{word(number)}"}}', "null")) for number in range(tokens)]
    finish = FRAME % (model, CHOICE % ("{}", '"stop"'))
    counted = FRAME % (model, USAGE % (tokens, 11 + tokens)) if usage else ""
    return *map(chunk, said), chunk(f"{finish}{counted}data: [DONE]\n\n") + b"0\r\n\r\n"


def chunk(text: str) -> bytes:
    data = text.encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


class Connection(asyncio.Protocol):
    """One request at a time, as a pool of connections sends them."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        model = MODEL.search(body)
        if model is None:
            self._transport.write(OK)
            return
        pieces = answer(model[1].decode(), int(model[2]), b"include_usage" in body)
        if model[3] is None:
            self._transport.write(HEAD + b"".join(pieces))
        else:
            self._transport.write(HEAD)
            self._say(pieces, 0, int(model[3]) / 1000)

    def _say(self, pieces: tuple[bytes, ...], number: int, pause: float) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(pieces[number])
        if number + 1 < len(pieces):
            asyncio.get_running_loop().call_later(pause, self._say, pieces, number + 1, pause)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A fake server of the OpenAI streaming protocol")
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
