"""What the server and its reading process say to each other: frames, each after its length in four bytes.

Asked: `{media_type, name, url}`, then the body. Answered: any number of `{pieces}`, then `{failure}` or
`{title, links}`.
"""

import asyncio
import struct
from typing import BinaryIO

LENGTH = struct.Struct(">I")
WRITTEN_AT_ONCE = 64 * 1024


def write_frame(pipe: BinaryIO, frame: bytes) -> None:
    pipe.write(LENGTH.pack(len(frame)))
    pipe.write(frame)
    pipe.flush()


def read_frame(pipe: BinaryIO) -> bytes | None:
    """None at the end of the pipe."""
    length = pipe.read(LENGTH.size)
    return pipe.read(*LENGTH.unpack(length)) if length else None


async def send_frame(pipe: asyncio.StreamWriter, frame: bytes) -> None:
    """A little at a time, so that the event loop is never held up by a large one."""
    pipe.write(LENGTH.pack(len(frame)))
    view = memoryview(frame)
    for start in range(0, len(frame), WRITTEN_AT_ONCE):
        pipe.write(view[start : start + WRITTEN_AT_ONCE])
        await pipe.drain()


async def receive_frame(pipe: asyncio.StreamReader) -> bytes:
    """Raises `IncompleteReadError` at the end of the pipe."""
    (length,) = LENGTH.unpack(await pipe.readexactly(LENGTH.size))
    return await pipe.readexactly(length)
