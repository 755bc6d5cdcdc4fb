"""The catalogue of AI models over GraphQL."""

from typing import Self

import strawberry

from domain.ai import models as domain
from resolvers import models as resolvers
from schema.engine.context import Info
from schema.enums import AiProvider, Tier


@strawberry.type(description="An AI model that an avatar can think with.")
class AiModel:
    id: strawberry.ID = strawberry.field(description="provider/name")
    provider: AiProvider
    name: str = strawberry.field(description="The provider's own name of it; goes into aiModel.")
    label: str
    tier: Tier
    context_tokens: int
    input_price: float = strawberry.field(description="US dollars for a million tokens.")
    output_price: float = strawberry.field(description="US dollars for a million tokens.")
    available: bool = strawberry.field(description="Whether this server has a key of its own for the provider.")

    @classmethod
    def of(cls, model: domain.AiModel, available: bool) -> Self:
        return cls(
            id=strawberry.ID(model.id),
            provider=model.provider,
            name=model.name,
            label=model.label,
            tier=model.tier,
            context_tokens=model.context,
            input_price=model.input_price,
            output_price=model.output_price,
            available=available,
        )


@strawberry.type
class ModelQuery:
    @strawberry.field(description="The models that this server knows, and which of them it can ask.")
    async def ai_models(self, info: Info) -> list[AiModel]:
        listed = await resolvers.catalogue(info.context.core)
        return [AiModel.of(entry.model, entry.available) for entry in listed]
