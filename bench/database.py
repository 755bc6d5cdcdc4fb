"""Chat turns a second in the database: python -m bench.database

A turn stores the visitor's words durably, reads the history, and stores the reply durably. Ours is the resolvers' own
work on the real store: session, avatar, repeated sends, 40 messages of history, both messages, activity; then the end
of the reply. The floors do the least that could be called a turn, on the driver itself: one insert, 20 messages of
history, one insert. PostgreSQL runs with fsync on; its own CPU is not counted.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from uuid import uuid4

import uvloop

from adapters.sql_store import open_store
from adapters.system_clock import SystemClock
from adapters.uvicorn_server import calm_garbage_collection
from bench.database_floors import raw_asyncpg, raw_sqlite
from domain.failover import Health
from domain.ports import Store, Tx
from domain.providers import Patience
from domain.sessions import MessageStatus, Session
from resolvers import chat
from resolvers.context import Context
from resolvers.speaking import Opened, Reply, Stage
from resolvers.turns import HISTORY_MESSAGES, Turns
from tests import house
from tests.builders import a_message, a_reply, a_session, an_account, an_avatar
from tests.parts.postgres import DURABLE, running

CONCURRENT = 20
QUESTION, ANSWER = "What does the museum show on Sundays? ", "On Sundays the museum shows its oldest ships. " * 6
Turn = Callable[[int], Awaitable[object]]
"""One turn in the conversation with this number."""


@dataclass(frozen=True, slots=True)
class Row:
    """`p50` and `p95` of one turn and `cpu` in milliseconds; `cpu` is this process's, for each turn."""

    name: str
    turns_per_second: float
    p50: float
    p95: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.name:32} {self.turns_per_second:7.0f} {self.p50:8.2f} {self.p95:8.2f} {self.cpu:8.3f}"


class SilentTurns(Turns):
    """Every reply ends at once, so only its work in the database is left."""

    def __init__(self, stage: Stage, answer: str) -> None:
        super().__init__(stage)
        self._answer = answer

    async def start(self, opened: Opened) -> None:
        ended = replace(Reply(self._stage, opened).finished(MessageStatus.COMPLETE), content=self._answer)
        await self._store(ended)


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[Turn]:
    async with open_store(url) as store, house.services(store=store, clock=SystemClock()) as services:
        stage = Stage(
            services.clock, store, services.replies, services.models, services.vault, Health(services.clock), Patience()
        )
        ctx = Context(replace(services, turns=SilentTurns(stage, ANSWER)), "bench", "unknown")
        sessions = await conversations(store)
        yield lambda number: chat.send(ctx, sessions[number].id, QUESTION, client_message_id=str(uuid4()))


async def conversations(store: Store) -> list[Session]:
    """One session for each number, with a history as long as a turn may read."""
    account = an_account()
    avatar = an_avatar(account)
    now = datetime.now(UTC)
    sessions = [a_session(avatar, last_active_at=now) for _ in range(CONCURRENT)]

    def add(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)
        for session in sessions:
            tx.sessions.add(session)
            for _ in range(HISTORY_MESSAGES // 2):
                message = a_message(session, QUESTION)
                tx.messages.add(message)
                tx.messages.add(a_reply(message, content=ANSWER, status=MessageStatus.COMPLETE))

    await store.write(add)
    return sessions


SUBJECTS: dict[str, Callable[[str], AbstractAsyncContextManager[Turn]]] = {
    "SQLite, floor": raw_sqlite,
    "SQLite, ours": ours,
    "PostgreSQL, floor": raw_asyncpg,
    "PostgreSQL, ours": ours,
}


async def measured(name: str, opened: AbstractAsyncContextManager[Turn], concurrent: int, turns: int) -> Row:
    """`concurrent` conversations at once, each a row of turns."""
    seconds: list[float] = []

    async def converse(turn: Turn, number: int) -> None:
        for _ in range(turns // concurrent):
            started = time.perf_counter()
            await turn(number)
            seconds.append(time.perf_counter() - started)

    async with opened as turn:
        await asyncio.gather(*[turn(number) for number in range(concurrent)])
        began, worked = time.perf_counter(), time.process_time()
        await asyncio.gather(*[converse(turn, number) for number in range(concurrent)])
        took, worked = time.perf_counter() - began, time.process_time() - worked
    ranks = statistics.quantiles(seconds, n=20)
    return Row(name, len(seconds) / took, ranks[9] * 1000, ranks[18] * 1000, worked / len(seconds) * 1000)


async def report(turns: int, rounds: int) -> AsyncIterator[Row]:
    """Every row in a new database; the rounds are interleaved, since a shared machine has moods."""
    with tempfile.TemporaryDirectory() as directory, running(DURABLE) as server:
        for _ in range(rounds):
            for (name, opened), concurrent in product(SUBJECTS.items(), (1, CONCURRENT)):
                database = f"bench_{uuid4().hex}"
                await server.run(f"CREATE DATABASE {database}")
                url = server.url(database) if "PostgreSQL" in name else f"sqlite:///{directory}/{database}.db"
                count = turns if concurrent > 1 else turns // 10
                yield await measured(f"{name}, {concurrent} at once", opened(url), concurrent, count)


def main() -> None:
    parser = argparse.ArgumentParser(description="Chat turns a second in the database.")
    parser.add_argument("--turns", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    calm_garbage_collection()
    uvloop.run(print_report(arguments.turns, arguments.rounds))


async def print_report(turns: int, rounds: int) -> None:
    print(f"{'':32} {'turns/s':>7} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8}")
    async for row in report(turns, rounds):
        print(row, flush=True)


if __name__ == "__main__":
    main()
