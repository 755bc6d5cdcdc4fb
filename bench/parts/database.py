"""Chat turns a second in the database.

A turn stores the visitor's words durably, reads the history, and stores the reply durably. Ours is the resolvers' own
work on the real store: session, avatar, repeated sends, the history, both messages, activity; then the end
of the reply. The floors do the least that could be called a turn, on the driver itself: one insert, 20 messages of
history, one insert. PostgreSQL runs with fsync on; its own CPU is not counted.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from uuid import uuid4

from adapters.database.store import open_store
from adapters.serving.uvicorn_server import calm_garbage_collection
from adapters.system_clock import SystemClock
from bench.parts.database_floors import raw_floor
from bench.report import Row, Target, at_least, at_most
from bench.rig.processes import LOAD_CORE, SERVER_CORE
from bench.scale import Scale
from domain.sessions import MessageStatus, Session
from domain.tables import Store, Tx
from resolvers import chat
from resolvers.answering.answer import AnsweringPorts
from resolvers.answering.speakers.builtin import Builtin
from resolvers.answering.transcript import Opened, Transcript
from resolvers.answering.turns import HISTORY_MESSAGES, Turns
from resolvers.context import Context
from tests import house
from tests.builders import a_message, a_reply, a_session, an_account, an_avatar
from tests.parts.postgres import DURABLE, running

CONCURRENT = 20
QUESTION, ANSWER = "What does the museum show on Sundays? ", "On Sundays the museum shows its oldest ships. " * 6
Turn = Callable[[int], Awaitable[object]]
"""One turn in the conversation with this number."""


@dataclass(frozen=True, slots=True)
class Speed:
    """`p95` of one turn and `cpu` in milliseconds; `cpu` is this process's, for each turn."""

    turns_per_second: float
    p95: float
    cpu: float


class SilentTurns(Turns):
    """Every reply ends at once, so only its work in the database is left."""

    async def start(self, opened: Opened) -> None:
        transcript = Transcript(self._ports.clock, self._ports.replies, opened)
        await self._settling.settle(replace(transcript.message(MessageStatus.COMPLETE), content=ANSWER))


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[Turn]:
    async with open_store(url) as store, house.services(store=store, clock=SystemClock()) as services:
        ports = AnsweringPorts(services.clock, store, services.replies, services.telemetry, Builtin(configured=False))
        ctx = Context(replace(services, turns=SilentTurns(ports)), "bench", "unknown")
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


SUBJECTS: dict[str, Callable[[str], AbstractAsyncContextManager[Turn]]] = {"floor": raw_floor, "ours": ours}


async def speed(opened: AbstractAsyncContextManager[Turn], turns: int) -> Speed:
    """Twenty conversations at once, each a row of turns."""
    seconds: list[float] = []

    async def converse(turn: Turn, number: int) -> None:
        for _ in range(turns // CONCURRENT):
            started = time.perf_counter()
            await turn(number)
            seconds.append(time.perf_counter() - started)

    async with opened as turn:
        await asyncio.gather(*[turn(number) for number in range(CONCURRENT)])
        began, worked = time.perf_counter(), time.process_time()
        await asyncio.gather(*[converse(turn, number) for number in range(CONCURRENT)])
        took, worked = time.perf_counter() - began, time.process_time() - worked
    return Speed(len(seconds) / took, statistics.quantiles(seconds, n=20)[18] * 1000, worked / len(seconds) * 1000)


async def measure(scale: Scale) -> list[Row]:
    """Every turn in a new database; the rounds are interleaved, since a shared machine has moods."""
    calm_garbage_collection()
    os.sched_setaffinity(0, {LOAD_CORE, SERVER_CORE})
    speeds: dict[tuple[str, str], list[Speed]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory, running(DURABLE) as server:
        for _, database, subject in product(range(scale.rounds), ("SQLite", "PostgreSQL"), SUBJECTS):
            name = f"bench_{uuid4().hex}"
            await server.run(f"CREATE DATABASE {name}")
            url = server.url(name) if database == "PostgreSQL" else f"sqlite:///{directory}/{name}.db"
            speeds[database, subject].append(await speed(SUBJECTS[subject](url), scale.turns))
    os.sched_setaffinity(0, {LOAD_CORE})
    return [*rows("SQLite", speeds, 3000, at_most(15)), *rows("PostgreSQL", speeds, 1500, None)]


def rows(
    database: str, speeds: Mapping[tuple[str, str], Sequence[Speed]], least: float, p95: Target | None
) -> Iterator[Row]:
    """The best round of each: what disturbs a round is not what is measured."""
    ours, floor = [max(speeds[database, who], key=lambda one: one.turns_per_second) for who in ("ours", "floor")]
    yield Row(f"{database}, turns", ours.turns_per_second, "/s", floor.turns_per_second, target=at_least(least))
    yield Row(f"{database}, p95 of a turn", ours.p95, "ms", floor.p95, target=p95)
    yield Row(f"{database}, CPU of a turn", ours.cpu, "ms", floor.cpu)
