"""A line to a server of this machine, which a test can cut."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Line:
    """`url` is the server's, at the near end of the line."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._server = urlsplit(url)
        self._ends: list[StreamWriter] = []

    def cut(self) -> None:
        for each in self._ends:
            each.transport.abort()

    async def connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        answers, questions = await asyncio.open_connection(self._server.hostname, self._server.port)
        self._ends += [writer, questions]
        with suppress(ConnectionError):
            await asyncio.gather(passed_on(reader, questions), passed_on(answers, writer))


async def passed_on(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    line = Line(url)
    async with await asyncio.start_server(line.connect, "127.0.0.1", 0) as near_end:
        line.url = line.url.replace(str(urlsplit(url).port), str(near_end.sockets[0].getsockname()[1]))
        yield line
        line.cut()
