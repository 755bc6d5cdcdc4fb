"""What an idle connection holds in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bench.report import Row, at_most
from bench.rig.doors import graphql_socket
from bench.rig.processes import SERVER_CORE, Running, serving
from bench.rig.servers import our_server, raw_relays, upstream_server
from bench.rig.wire import WebSocket
from bench.scale import Scale

T = TypeVar("T")
AT_ONCE = 100
SETTLED_SECONDS = 2


async def measure(scale: Scale) -> list[Row]:
    async with (
        upstream_server() as upstream,
        our_server(upstream.url) as house,
        serving(raw_relays(upstream.url), SERVER_CORE) as floors,
    ):
        floor = await kib_each(floors, raw_socket, scale.connections)
        graphql = await kib_each(house.running, graphql_socket, scale.connections)
    name = f"{scale.connections:,} acknowledged GraphQL WebSockets"
    return [Row(name, graphql, "KiB each", floor=floor, target=at_most(32))]


async def raw_socket(url: str) -> WebSocket:
    socket = await WebSocket.open(url)
    await socket.upgrade("/relay")
    return socket


async def kib_each(server: Running, connect: Callable[[str], Awaitable[WebSocket]], count: int) -> float:
    """The first hundred come before the measurement: they load what every connection shares."""
    sockets = await many(connect, server.url, AT_ONCE)
    before = server.memory()
    for _ in range(0, count, AT_ONCE):
        sockets += await many(connect, server.url, min(AT_ONCE, count))
    await asyncio.sleep(SETTLED_SECONDS)
    taken = server.memory() - before
    for socket in sockets:
        socket.close()
    return taken / 1024 / count


async def many(connect: Callable[[str], Awaitable[T]], url: str, count: int) -> list[T]:
    return list(await asyncio.gather(*(connect(url) for _ in range(count))))
