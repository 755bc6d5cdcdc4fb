"""The catalogue of AI models, as data, and the order in which a reply tries them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from domain.avatars import AiProvider, Avatar


class Tier(StrEnum):
    MANAGED = "managed"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True)
class AiModel:
    """A model that we know. Prices are US dollars for a million tokens; `context` counts tokens.

    `name` is the provider's own name of the model, `id` ours: `provider/name`.
    """

    provider: AiProvider
    name: str
    label: str
    tier: Tier
    context: int
    input_price: float
    output_price: float

    @property
    def id(self) -> str:
        return f"{self.provider}/{self.name}"

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        return (input_tokens * self.input_price + output_tokens * self.output_price) / 1_000_000


# List prices as LiteLLM 1.106 and the providers publish them. For gemini-3.1-flash none is published to us:
# it carries the price of gemini-3-flash. A provider's bill has the last word.
CATALOGUE = (
    AiModel(AiProvider.GROQ, "llama-3.3-70b-versatile", "Llama 3.3 70B", Tier.MANAGED, 131_072, 0.59, 0.79),
    AiModel(AiProvider.OPENAI, "gpt-4o-mini", "GPT-4o Mini", Tier.MANAGED, 128_000, 0.15, 0.60),
    AiModel(AiProvider.ANTHROPIC, "claude-3-5-haiku-20241022", "Claude Haiku 3.5", Tier.MANAGED, 200_000, 0.80, 4.00),
    AiModel(AiProvider.GOOGLE, "gemini-3.1-flash", "Gemini 3.1 Flash", Tier.MANAGED, 1_048_576, 0.50, 3.00),
    AiModel(AiProvider.XAI, "grok-3-mini", "Grok 3 Mini", Tier.MANAGED, 131_072, 0.30, 0.50),
    AiModel(AiProvider.OPENAI, "gpt-5.4", "GPT-5.4", Tier.PREMIUM, 1_050_000, 2.50, 15.00),
    AiModel(AiProvider.ANTHROPIC, "claude-sonnet-4-6", "Claude Sonnet 4.6", Tier.PREMIUM, 1_000_000, 3.00, 15.00),
)
BY_ID = {model.id: model for model in CATALOGUE}
UNKNOWN_CONTEXT = 8_192
REPLY_TOKENS = 2_048


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model at one endpoint with the key that belongs there, and with no other key."""

    provider: AiProvider
    name: str
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None

    @property
    def id(self) -> str:
        return f"{self.provider}/{self.name}"

    @property
    def is_managed(self) -> bool:
        """Whether it is asked with the server's own key."""
        return self.api_key is None and self.provider is not AiProvider.CUSTOM

    @property
    def context(self) -> int:
        """Tokens that prompt and reply may take together."""
        known = BY_ID.get(self.id)
        return known.context if known else UNKNOWN_CONTEXT

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars by our own table; 0 for a model that is not in it."""
        known = BY_ID.get(self.id)
        return known.cost(input_tokens, output_tokens) if known else 0.0


def default_model(provider: AiProvider) -> str | None:
    """The name of the provider's first model in the catalogue; `custom` has none."""
    return next((model.name for model in CATALOGUE if model.provider is provider), None)


def candidates(avatar: Avatar, own_key: str | None, managed: Collection[AiProvider]) -> list[Candidate]:
    """Who is asked for a reply, in order: the avatar's own brain, then managed models of its tier.

    `own_key` is the avatar's own provider key. `managed` names the providers that the server
    has keys for; the adapter adds such a key, so it can never meet another provider.
    """
    brain = own_brain(avatar, own_key, managed)
    tier = BY_ID[brain.id].tier if brain and brain.id in BY_ID else Tier.MANAGED
    others = [
        Candidate(model.provider, model.name)
        for model in CATALOGUE
        if model.tier is tier and model.provider in managed and not (brain and model.id == brain.id)
    ]
    return [brain, *others] if brain else others


def own_brain(avatar: Avatar, own_key: str | None, managed: Collection[AiProvider]) -> Candidate | None:
    settings = avatar.settings
    name = own_name(settings.ai_model, settings.ai_provider) or default_model(settings.ai_provider)
    if name is None:
        return None
    if settings.ai_provider is AiProvider.CUSTOM:
        return Candidate(AiProvider.CUSTOM, name, own_key, settings.ai_base_url) if settings.ai_base_url else None
    if own_key or settings.ai_provider in managed:
        return Candidate(settings.ai_provider, name, own_key)
    return None


def own_name(model: str | None, provider: AiProvider) -> str | None:
    """The provider's own name of a model that an owner may have named by our id."""
    known = BY_ID.get(model or "")
    return known.name if known and known.provider is provider else model
