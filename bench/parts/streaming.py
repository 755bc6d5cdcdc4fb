"""Whole replies a second, through every door, with tokens at once and two milliseconds apart."""

from functools import partial

from bench.report import Of, Row, at_least
from bench.rig.doors import DOORS, OverSocket
from bench.rig.load import Contender, Load, loaded, total
from bench.rig.servers import Stand, stand
from bench.rig.upstream import AT_ONCE, PACED
from bench.rig.visitors import LITELLM, RAW_SOCKET, RELAY, LitellmVisitor, OurVisitor, RawSocketVisitor, RelayVisitor
from bench.scale import Scale


async def measure(scale: Scale) -> list[Row]:
    async with stand(peer=scale.peer) as servers:
        at_once = await measured(servers, AT_ONCE, scale, scale.visitors, scale.replies)
        paced = await measured(servers, PACED, scale, scale.paced_visitors, scale.paced_replies)
    return [
        *(at_once_row(door, at_once) for door in DOORS),
        *(paced_row(door, paced) for door in DOORS),
    ]


async def measured(servers: Stand, model: str, scale: Scale, visitors: int, replies: int) -> dict[str, Load]:
    """Every contender in turn, and all of them again in each round."""
    house = servers.house
    await house.avatar(model)
    ours = {door.title: Contender(house.running, partial(door, house, model)) for door in DOORS}
    floors = {
        RELAY: Contender(servers.floors, lambda: RelayVisitor(servers.floors.url, model)),
        RAW_SOCKET: Contender(servers.floors, lambda: RawSocketVisitor(servers.floors.url, model)),
    }
    contenders = {**floors, **ours}
    if peer := servers.peer:
        contenders[LITELLM] = Contender(peer, lambda: LitellmVisitor(peer.url, model))
    rounds: list[dict[str, Load]] = []
    for _ in range(scale.rounds):
        rounds.append({})
        for name, contender in contenders.items():
            count = scale.peer_replies if name == LITELLM else replies
            rounds[-1][name] = await loaded(contender, servers.upstream, visitors, count)
    return {name: total(each[name] for each in rounds) for name in contenders}


def at_once_row(door: type[OurVisitor], loads: dict[str, Load]) -> Row:
    ours = loads[door.title]
    return Row(
        f"{door.title}, tokens at once",
        ours.per_second,
        "replies/s",
        floor=loads[door.floor].per_second,
        peer=loads[LITELLM].per_second if LITELLM in loads else None,
        target=at_least(15, Of.PEER),
        note=ours.note,
    )


def paced_row(door: type[OurVisitor], loads: dict[str, Load]) -> Row:
    ours = loads[door.title]
    return Row(
        f"{door.title}, tokens 2 ms apart",
        ours.per_core,
        "replies/s a core",
        floor=loads[door.floor].per_core,
        peer=loads[LITELLM].per_core if LITELLM in loads else None,
        target=at_least(8 if issubclass(door, OverSocket) else 10, Of.PEER),
        note=f"{ours.events / ours.replies:.0f} payloads a reply" if door.streams else "",
    )
