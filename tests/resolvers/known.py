"""What its owner is told of one avatar's knowledge, and of one item's passages."""

from domain.knowledge.items import Passage
from resolvers import knowledge
from resolvers.context import Context
from resolvers.knowledge import Summary


async def summary(ctx: Context, avatar_id: str) -> Summary:
    return (await knowledge.summaries(ctx, [avatar_id]))[avatar_id]


async def passages(ctx: Context, item_id: str) -> list[Passage]:
    return (await knowledge.passages(ctx, [item_id], 100))[item_id].passages
