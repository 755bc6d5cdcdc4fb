"""Whether visitors should be sent to this server now."""

import asyncio
from enum import StrEnum

from domain.errors import Unavailable
from resolvers.context import Context
from resolvers.guards import anyone

DATABASE_PATIENCE = 1.0
NOBODY = "nobody"


class Obstacle(StrEnum):
    DATABASE = "DATABASE_UNAVAILABLE"
    STOPPING = "STOPPING"


@anyone
async def obstacles(ctx: Context) -> list[Obstacle]:
    """Why not; nothing when it is ready. The database has a second to answer."""
    found = [Obstacle.STOPPING] if ctx.services.turns.closing else []
    try:
        async with asyncio.timeout(DATABASE_PATIENCE):
            await ctx.services.store.read(lambda tx: tx.accounts.by_id(NOBODY))
    except (TimeoutError, Unavailable):
        found.append(Obstacle.DATABASE)
    return found
