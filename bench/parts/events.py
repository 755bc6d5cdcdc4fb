"""What one event of a reply costs the server over GraphQL, beside our own /v1 WebSocket."""

from bench.report import Of, Row, at_most
from bench.rig.doors import GraphQLSubscription, RestSocket
from bench.rig.load import Contender, Load, loaded, total
from bench.rig.servers import stand
from bench.rig.visitors import OurVisitor
from bench.scale import Scale

CONCURRENT = 10
ROUNDS = 2


async def measure(scale: Scale) -> list[Row]:
    """Long replies, two milliseconds between tokens, so that the events outweigh the rest of a turn."""
    model = f"tokens-{scale.long_reply_tokens}-2ms"
    async with stand(peer=False) as servers:
        house = servers.house
        await house.avatar(model)

        async def measured(door: type[OurVisitor]) -> Load:
            contender = Contender(house.running, lambda: door(house, model))
            return await loaded(contender, servers.upstream, CONCURRENT, scale.long_replies)

        doors = (RestSocket, GraphQLSubscription)
        rounds = [[await measured(door) for door in doors] for _ in range(ROUNDS)]
    socket, graphql = (total(loads) for loads in zip(*rounds, strict=True))
    floor = socket.cpu_per_event
    note = f"{graphql.events / graphql.replies:.0f} events a reply; /v1: {socket.events / socket.replies:.0f}"
    return [
        Row(
            "GraphQL subscription (floor: /v1 WebSocket)",
            graphql.cpu_per_event,
            "µs CPU an event",
            floor=floor,
            target=at_most(2, Of.FLOOR),
            note=note,
        )
    ]
