"""HTTP and WebSocket clients that do the least: the load must not cost more than the server."""

import asyncio
import struct
from collections.abc import Callable
from typing import Self, cast
from urllib.parse import urlsplit

import httptools

Listener = Callable[[bytes], None]
TEXT, CLOSE, PING = 1, 8, 9


class Lost(ConnectionError):
    """The server closed a connection, or answered what the protocol does not allow."""


class Connection(asyncio.Protocol):
    """`hear` is called with each payload; `finish` ends the exchange that is waited for."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._address = parts.netloc, (str(parts.hostname), parts.port or 80)
        self._finished: asyncio.Future[None] | None = None
        self._hear: Listener = ignored

    @classmethod
    async def open(cls, url: str) -> Self:
        connection = cls(url)
        await connection.connect()
        return connection

    async def connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, *self._address)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    @property
    def closed(self) -> bool:
        return self._transport.is_closing()

    def connection_lost(self, error: Exception | None) -> None:
        self.fail(Lost(str(error or "the server closed the connection")))

    def finish(self) -> None:
        if self._finished and not self._finished.done():
            self._finished.set_result(None)

    def fail(self, error: Exception) -> None:
        if self._finished and not self._finished.done():
            self._finished.set_exception(error)

    async def exchange(self, data: bytes, hear: Listener) -> None:
        """Sends `data` and waits until the exchange is finished. Raises `Lost`."""
        if self.closed:
            raise Lost("the connection is closed")
        self._hear = hear
        self._finished = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        await self._finished

    def close(self) -> None:
        self._transport.close()


class Http(Connection):
    """One request at a time, on a connection that is kept alive. One that idled too long is opened anew."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._parser = httptools.HttpResponseParser(self)
        self.status = 0

    async def post(self, path: str, body: bytes, headers: str = "", hear: Listener | None = None) -> bytes:
        """The whole body, unless `hear` is given it piece by piece. Raises `Lost` for a refusal."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{headers}\r\n"
        )
        return await self._request(head.encode() + body, hear)

    async def get(self, path: str) -> bytes:
        """Raises `Lost` for a refusal."""
        return await self._request(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())

    async def _request(self, data: bytes, hear: Listener | None = None) -> bytes:
        if self.closed:
            await self.connect()
        pieces: list[bytes] = []
        await self.exchange(data, hear or pieces.append)
        if self.status >= 300:
            raise Lost(f"a request was answered with {self.status}: {b''.join(pieces)[:500]!r}")
        return b"".join(pieces)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        self._hear(data)

    def on_message_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.finish()


class WebSocket(Connection):
    """Text frames only. `hear` is given each payload and calls `finish` after the last."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._buffer = b""
        self._accepted = False

    async def upgrade(self, path: str, protocol: str | None = None) -> None:
        """Raises `Lost` when the server refuses."""
        offered = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
        head = (
            f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{offered}\r\n"
        )
        await self.exchange(head.encode(), ignored)

    async def ask(self, text: bytes, hear: Listener) -> None:
        """Sends a text frame and waits for `finish`. Raises `Lost`."""
        await self.exchange(frame(TEXT, text), hear)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._accepted:
            self._accept()
        while payload := self._next():
            self._take(*payload)

    def _accept(self) -> None:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        if b" 101 " not in head.split(b"\r\n")[0]:
            self.fail(Lost(f"the WebSocket was refused: {head[:200]!r}"))
            return
        self._accepted, self._buffer = True, rest
        self.finish()

    def _next(self) -> tuple[int, bytes] | None:
        """The first whole frame, taken out of the buffer. A server's frames are not masked."""
        buffer = self._buffer
        if not self._accepted or len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(buffer[2:start], "big") if len(buffer) >= start else 0
        if len(buffer) < start + size or len(buffer) < start:
            return None
        self._buffer = buffer[start + size :]
        return buffer[0] & 0x0F, buffer[start : start + size]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._hear(payload)
        elif opcode == PING:
            self._transport.write(frame(opcode + 1, payload))
        elif opcode == CLOSE:
            self.fail(Lost(f"the server closed the WebSocket: {payload[:200]!r}"))


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame. Its mask is zero, which the protocol allows and costs nothing."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0xFE, size)
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def ignored(_: bytes) -> None:
    return
