"""The least that one turn can be on the driver itself: insert and commit, read 20, insert and commit."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from queue import Empty, SimpleQueue
from threading import Thread

import asyncpg
from sqlalchemy import make_url

TABLE = "CREATE TABLE messages (position {key} PRIMARY KEY, session integer NOT NULL, role text, content text)"
INDEX = "CREATE INDEX by_session ON messages (session, position)"
INSERT = "INSERT INTO messages (session, role, content) VALUES ($1, $2, $3)"
HISTORY = "SELECT role, content FROM messages WHERE session = $1 ORDER BY position DESC LIMIT 20"
WORDS = "What does the museum show on Sundays? On Sundays the museum shows its oldest ships. " * 3
BATCH = 128
Turn = Callable[[int], Awaitable[object]]
Job = tuple[int, bool, asyncio.Future[None]]


class GroupCommit:
    """One thread that writes what waits and commits it durably at once."""

    def __init__(self, file: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for command in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", TABLE.format(key="integer"), INDEX):
            self._connection.execute(command)
        self._thread = Thread(target=self._run)
        self._thread.start()

    async def turn(self, session: int) -> None:
        await self._write(session, reads=True)
        await self._write(session, reads=False)

    async def close(self) -> None:
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    async def _write(self, session: int, reads: bool) -> None:
        done = self._loop.create_future()
        self._jobs.put((session, reads, done))
        await done

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs = [job, *self._waiting()]
            self._connection.execute("BEGIN IMMEDIATE")
            for session, reads, _ in jobs:
                self._connection.execute(INSERT, (session, "user" if reads else "assistant", WORDS))
                if reads:
                    self._connection.execute(HISTORY, (session,)).fetchall()
            self._connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(finish, [done for _, _, done in jobs])

    def _waiting(self) -> list[Job]:
        jobs: list[Job] = []
        while len(jobs) < BATCH:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is not None:
                jobs.append(job)
        return jobs


def finish(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)


@asynccontextmanager
async def raw_sqlite(url: str) -> AsyncIterator[Turn]:
    writer = GroupCommit(make_url(url).database or "")
    try:
        yield writer.turn
    finally:
        await writer.close()


@asynccontextmanager
async def raw_asyncpg(url: str) -> AsyncIterator[Turn]:
    async with asyncpg.create_pool(url, min_size=10, max_size=10, reset=nothing) as pool:
        await pool.execute(TABLE.format(key="bigserial"))
        await pool.execute(INDEX)

        async def turn(session: int) -> None:
            async with pool.acquire() as connection:
                await connection.execute(INSERT, session, "user", WORDS)
                await connection.fetch(HISTORY, session)
                await connection.execute(INSERT, session, "assistant", WORDS)

        yield turn


async def nothing(_connection: object) -> None:
    """What is left to reset between two turns."""


def raw_floor(url: str) -> AbstractAsyncContextManager[Turn]:
    return raw_sqlite(url) if make_url(url).get_backend_name() == "sqlite" else raw_asyncpg(url)
