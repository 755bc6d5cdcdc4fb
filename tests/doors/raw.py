"""Bytes on the wire, for what no well-behaved client sends."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.frames import Frame, Opcode

KEY = "c2l4dGVlbiBieXRlcyEhIQ=="


@dataclass(slots=True)
class Wire:
    """One TCP connection to the server. `heard` is what has arrived and was not asked for yet."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: bytes = b""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until(self, marker: bytes) -> bytes:
        """Reads on until `marker` has arrived; fails when the server hangs up before."""
        while marker not in self.heard:
            data = await self.reader.read(65_536)
            assert data, f"{marker!r} never came after {self.heard[-200:]!r}"
            self.heard += data
        before, _, self.heard = self.heard.partition(marker)
        return before + marker

    async def to_the_end(self) -> bytes:
        """What arrives until the server hangs up."""
        return self.heard + await self.reader.read()

    def stop_reading(self) -> None:
        """What the server sends stays with the kernel, which soon takes no more."""
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()

    @property
    def address(self) -> object:
        """Ours, as the server sees it."""
        return self.writer.get_extra_info("sockname")

    def close(self) -> None:
        self.writer.close()

    def cut(self) -> None:
        """Vanishes without a goodbye: the server's next word meets a reset."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def wire(url: str, receive_buffer: int | None = None) -> AsyncIterator[Wire]:
    """`receive_buffer`: how many bytes the kernel takes for a reader who does not read."""
    address = urlsplit(url)
    raw = socket.socket()
    raw.setblocking(False)
    if receive_buffer:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await asyncio.get_running_loop().sock_connect(raw, (address.hostname, address.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=2**10)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


def request(method: str, target: str, body: bytes = b"", /, **headers: str) -> bytes:
    """An HTTP request; header names with `_` for `-`. What is not ASCII is sent as Latin-1."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] * bool(body)
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def handshake(target: str) -> bytes:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": KEY,
    }
    if target.startswith("/graphql"):
        headers["Sec_WebSocket_Protocol"] = "graphql-transport-ws"
    return request("GET", target, b"", **headers)


def frame(data: bytes, opcode: Opcode = Opcode.TEXT, *, last: bool = True) -> bytes:
    """A client's WebSocket frame. Nothing checks that a text is UTF-8."""
    return Frame(opcode, data, last).serialize(mask=True)
