"""Whether visitors should be sent to this server now."""

from enum import StrEnum

from resolvers.context import Context
from resolvers.guards import anyone


class Obstacle(StrEnum):
    DATABASE = "DATABASE_UNAVAILABLE"
    STOPPING = "STOPPING"


@anyone
async def obstacles(ctx: Context) -> list[Obstacle]:
    """Why not; nothing when it is ready."""
    found = [Obstacle.STOPPING] if ctx.services.turns.closing else []
    if not await ctx.services.probe.succeeds():
        found.append(Obstacle.DATABASE)
    return found
