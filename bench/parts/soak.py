"""Two hundred replies at once, over every door: what fails, and what the memory does once the caches are full."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.report import Of, Row, at_most
from bench.rig.doors import DOORS
from bench.rig.processes import Running
from bench.rig.servers import our_server, upstream_server
from bench.rig.upstream import PACED
from bench.rig.visitors import Visitor
from bench.rig.wire import Lost
from bench.scale import Scale

SAMPLES = 6


@dataclass(slots=True)
class Talk:
    """What came of all the questions. `failures` are the servers' own words."""

    replies: int = 0
    failures: list[str] = field(default_factory=list)


async def measure(scale: Scale) -> list[Row]:
    async with upstream_server() as upstream, our_server(upstream.url) as house:
        await house.avatar(PACED)
        visitors = [DOORS[number % len(DOORS)](house, PACED) for number in range(scale.soak_visitors)]
        talk, memory = await soaked(visitors, house.running, scale.soak_seconds)
    first, last = memory[0], memory[-1]
    grown = "MiB over time: " + ", ".join(f"{mib:.0f}" for mib in memory)
    return [
        Row(
            f"failures in {talk.replies:,} replies",
            len(talk.failures),
            "",
            target=at_most(0),
            note="; ".join(sorted(set(talk.failures))[:3]),
        ),
        Row(
            "memory after as much time again (floor: when the caches were full)",
            last,
            "MiB",
            floor=first,
            target=at_most(1.05, Of.FLOOR),
            note=grown,
        ),
    ]


async def soaked(visitors: Sequence[Visitor], server: Running, seconds: float) -> tuple[Talk, list[float]]:
    """The server's MiB after `seconds` under load, and then after each part of as much time again."""
    talk, memory = Talk(), []
    async with asyncio.TaskGroup() as tasks:
        talking = [tasks.create_task(keep_talking(visitor, talk)) for visitor in visitors]
        await asyncio.sleep(seconds)
        memory.append(server.memory() / 2**20)
        for _ in range(SAMPLES):
            await asyncio.sleep(seconds / SAMPLES)
            memory.append(server.memory() / 2**20)
        for task in talking:
            task.cancel()
    return talk, memory


async def keep_talking(visitor: Visitor, talk: Talk) -> None:
    """A failure costs the visitor the connection, as it would a browser."""
    while True:
        try:
            await visitor.connect()
            while True:
                await visitor.ask()
                talk.replies += 1
        except (Lost, OSError) as error:
            talk.failures.append(str(error))
        finally:
            visitor.leave()
