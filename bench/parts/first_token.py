"""How much later the first word comes than from the provider itself, for one visitor alone."""

from collections.abc import Callable, Sequence
from statistics import median

from bench.report import Row, at_most
from bench.rig.doors import DOORS
from bench.rig.servers import Stand, stand
from bench.rig.upstream import SHORT
from bench.rig.visitors import (
    LITELLM,
    RAW_SOCKET,
    RELAY,
    Completions,
    LitellmVisitor,
    OurVisitor,
    RawSocketVisitor,
    RelayVisitor,
    Visitor,
)
from bench.scale import Scale

DIRECT = "direct"
STREAMING = [door for door in DOORS if door.streams]


async def measure(scale: Scale) -> list[Row]:
    async with stand(peer=scale.peer) as servers:
        times = await interleaved(visitors(servers), scale.first_tokens)
    direct = median(times[DIRECT])
    added = {name: [(each - direct) * 1000 for each in seconds] for name, seconds in times.items()}
    return [
        *(row(door, added, "median", median, 3) for door in STREAMING),
        *(row(door, added, "p95", p95, 6) for door in STREAMING),
    ]


def visitors(servers: Stand) -> dict[str, Visitor]:
    floors, house = servers.floors.url, servers.house
    everyone: dict[str, Visitor] = {
        DIRECT: Completions(servers.upstream.url, SHORT),
        RELAY: RelayVisitor(floors, SHORT),
        RAW_SOCKET: RawSocketVisitor(floors, SHORT),
        **{door.title: door(house, SHORT) for door in STREAMING},
    }
    if servers.peer:
        everyone[LITELLM] = LitellmVisitor(servers.peer.url, SHORT)
    return everyone


async def interleaved(everyone: dict[str, Visitor], count: int) -> dict[str, list[float]]:
    """Seconds to the first word. All take turns, so that what disturbs one disturbs all."""
    for visitor in everyone.values():
        await visitor.connect()
        await visitor.ask()
    times: dict[str, list[float]] = {name: [] for name in everyone}
    for _ in range(count):
        for name, visitor in everyone.items():
            times[name].append((await visitor.ask()).first)
    for visitor in everyone.values():
        visitor.leave()
    return times


def row(
    door: type[OurVisitor],
    added: dict[str, list[float]],
    label: str,
    statistic: Callable[[Sequence[float]], float],
    bound: float,
) -> Row:
    return Row(
        f"{door.title}, {label}",
        statistic(added[door.title]),
        "ms",
        floor=statistic(added[door.floor]),
        peer=statistic(added[LITELLM]) if LITELLM in added else None,
        target=at_most(bound),
    )


def p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]
