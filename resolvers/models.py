"""The AI models that this server knows."""

from dataclasses import dataclass

from domain.ai.models import CATALOGUE, AiModel
from resolvers.context import Context
from resolvers.guards import anyone


@dataclass(frozen=True, slots=True)
class Listed:
    model: AiModel
    available: bool


@anyone
async def catalogue(ctx: Context) -> list[Listed]:
    """`available`: the server has a key for the provider; with a key of your own you can use any."""
    managed = ctx.services.models.managed()
    return [Listed(model, model.provider in managed) for model in CATALOGUE]
