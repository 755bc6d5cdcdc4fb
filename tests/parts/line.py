"""A line to a server of this machine, which a test can cut, or on which nothing passes for a while."""

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
        self._passes = asyncio.Event()
        self._passes.set()

    def hold(self) -> None:
        """From here on it takes what is sent, and nothing arrives."""
        self._passes.clear()

    def release(self) -> None:
        self._passes.set()

    def cut(self) -> None:
        for each in self._ends:
            each.transport.abort()

    async def connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        answers, questions = await asyncio.open_connection(self._server.hostname, self._server.port)
        self._ends += [writer, questions]
        with suppress(ConnectionError):
            await asyncio.gather(self._pass_on(reader, questions), self._pass_on(answers, writer))

    async def _pass_on(self, reader: StreamReader, writer: StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self._passes.wait()
            writer.write(data)
            await writer.drain()
        await self._passes.wait()
        writer.close()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    line = Line(url)
    async with await asyncio.start_server(line.connect, "127.0.0.1", 0) as near_end:
        line.url = line.url.replace(str(urlsplit(url).port), str(near_end.sockets[0].getsockname()[1]))
        yield line
        line.release()
        line.cut()
