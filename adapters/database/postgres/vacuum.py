"""Making room of deleted rows, which takes PostgreSQL as long as the tables are large."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
from sqlalchemy import URL

from adapters.database.postgres import connections
from adapters.database.postgres.connections import connect_alone, unavailable_when_unreachable

TABLES = ("knowledge", "knowledge_bodies", "passages", "jobs")
LOOKED_AFTER_EVERY = 60.0
AT_WORK = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active'"


async def vacuum(url: URL) -> None:
    """Takes as long as it needs, while the server is at work on it."""
    with unavailable_when_unreachable():
        connection = await connect_alone(url)
        try:
            await connection.execute(
                "SET statement_timeout TO 0; SET lock_timeout TO 0", timeout=connections.CONNECT_SECONDS
            )
            await while_at_work(url, connection, f"VACUUM {', '.join(TABLES)}")
        finally:
            connection.terminate()


async def while_at_work(url: URL, connection: asyncpg.Connection, statement: str) -> None:
    """A connection without a limit would never notice that its server, or the way to it, is gone."""
    working = asyncio.create_task(connection.execute(statement))
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=LOOKED_AFTER_EVERY)
            if not working.done() and not await is_at_work(url, connection.get_server_pid()):
                raise TimeoutError
        await working
    finally:
        working.cancel()


async def is_at_work(url: URL, pid: int) -> bool:
    connection = await connect_alone(url)
    try:
        return await connection.fetchval(AT_WORK, pid, timeout=connections.CONNECT_SECONDS) is not None
    finally:
        connection.terminate()


class OneForAll:
    """Work that serves everybody who asks before it begins; whoever asks later waits for the next."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._alone = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def done(self) -> None:
        if self._next is None:
            self._next = asyncio.create_task(self._run())
            self._tasks.add(self._next)
            self._next.add_done_callback(self._tasks.discard)
        await asyncio.shield(self._next)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        async with self._alone:
            self._next = None
            await self._work()
