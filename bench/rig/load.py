"""Many visitors at once, and what their replies cost the server."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add

import psutil

from bench.rig.processes import Running
from bench.rig.visitors import Heard, Visitor

FULL_CORE = 0.95
REPLY_LIMIT = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """What some replies took: seconds on the clock, of the server's CPU, and of the load generator's core."""

    replies: int = 0
    events: int = 0
    seconds: float = 0.0
    server_cpu: float = 0.0
    load_cpu: float = 0.0
    first: tuple[float, ...] = field(default=(), repr=False)

    def __add__(self, other: "Load") -> "Load":
        return Load(
            self.replies + other.replies,
            self.events + other.events,
            self.seconds + other.seconds,
            self.server_cpu + other.server_cpu,
            self.load_cpu + other.load_cpu,
            self.first + other.first,
        )

    @property
    def per_second(self) -> float:
        return self.replies / self.seconds

    @property
    def per_core(self) -> float:
        """Replies in a second of the server's CPU."""
        return self.replies / self.server_cpu

    @property
    def cpu_per_event(self) -> float:
        """Microseconds of the server's CPU for each payload that was delivered."""
        return self.server_cpu / self.events * 1e6

    @property
    def note(self) -> str:
        """A warning when the load generator limited the replies a second."""
        if self.load_cpu / self.seconds < FULL_CORE:
            return ""
        return f"the load generator's core was full; a second of the server's CPU gives {self.per_core:.0f} replies"


def total(loads: Iterable[Load]) -> Load:
    return reduce(add, loads, Load())


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that answers: its process, and how its visitors are made."""

    server: Running
    visitor: Callable[[], Visitor]


async def loaded(contender: Contender, upstream: Running, concurrent: int, replies: int) -> Load:
    """That many replies, asked for by `concurrent` visitors, each after its own last; a warm-up goes first."""
    visitors = [contender.visitor() for _ in range(concurrent)]
    await asyncio.gather(*(visitor.connect() for visitor in visitors))
    try:
        await questioned(visitors, concurrent)
        load, began = [psutil.Process(), upstream.process], time.perf_counter()
        server_cpu, load_cpu = contender.server.cpu(), cpu_of(load)
        heard = await questioned(visitors, replies)
        seconds = time.perf_counter() - began
        return Load(
            len(heard),
            sum(each.events for each in heard),
            seconds,
            contender.server.cpu() - server_cpu,
            cpu_of(load) - load_cpu,
            tuple(each.first for each in heard),
        )
    finally:
        for visitor in visitors:
            visitor.leave()


async def questioned(visitors: Sequence[Visitor], replies: int) -> list[Heard]:
    """Raises `Lost` when a reply breaks off, and `TimeoutError` when one does not come."""
    heard: list[Heard] = []
    left = iter(range(replies))

    async def keep_asking(visitor: Visitor) -> None:
        for _ in left:
            async with asyncio.timeout(REPLY_LIMIT):
                heard.append(await visitor.ask())

    async with asyncio.TaskGroup() as tasks:
        for visitor in visitors:
            tasks.create_task(keep_asking(visitor))
    return heard


def cpu_of(processes: Sequence[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(each.user + each.system for each in times)
