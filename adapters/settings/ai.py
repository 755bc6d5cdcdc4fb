"""The server's own AI providers, and how long it waits for any."""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from adapters.settings.fields import ApiBase, Group, Seconds, variable
from domain.ai.providers import Patience
from domain.avatars import AiProvider


def api_key(name: str, provider: str) -> Any:
    return variable(None, f"The server's own key for {provider}.", f"a key of {provider}", validation_alias=name)


def base_of(name: str, provider: str) -> Any:
    meaning = f"Where {provider}'s API is, when it is not the provider's own address: a proxy or a test server."
    return variable(None, meaning, "an http or https address", validation_alias=name)


class AiSettings(Group):
    ai_connect_timeout: Seconds = variable(
        5.0, "Seconds to wait for the connection to an AI provider.", "seconds above zero"
    )
    ai_first_token_timeout: Seconds = variable(
        15.0, "Seconds to wait for an AI provider's first words.", "seconds above zero"
    )
    ai_between_tokens_timeout: Seconds = variable(
        10.0, "Seconds to wait between two parts of a reply.", "seconds above zero"
    )
    ai_total_timeout: Seconds = variable(120.0, "Seconds that one reply may take in all.", "seconds above zero")
    openai_api_key: SecretStr | None = api_key("OPENAI_API_KEY", "OpenAI")
    anthropic_api_key: SecretStr | None = api_key("ANTHROPIC_API_KEY", "Anthropic")
    gemini_api_key: SecretStr | None = api_key("GEMINI_API_KEY", "Google Gemini")
    xai_api_key: SecretStr | None = api_key("XAI_API_KEY", "xAI")
    groq_api_key: SecretStr | None = api_key("GROQ_API_KEY", "Groq")
    openai_api_base: ApiBase | None = base_of("OPENAI_API_BASE", "OpenAI")
    anthropic_api_base: ApiBase | None = base_of("ANTHROPIC_API_BASE", "Anthropic")
    gemini_api_base: ApiBase | None = base_of("GEMINI_API_BASE", "Google Gemini")
    xai_api_base: ApiBase | None = base_of("XAI_API_BASE", "xAI")
    groq_api_base: ApiBase | None = base_of("GROQ_API_BASE", "Groq")

    @property
    def patience(self) -> Patience:
        return Patience(self.ai_first_token_timeout, self.ai_between_tokens_timeout, self.ai_total_timeout)

    @property
    def provider_keys(self) -> Mapping[AiProvider, str]:
        """The keys that are set, by provider."""
        keys = {
            AiProvider.OPENAI: self.openai_api_key,
            AiProvider.ANTHROPIC: self.anthropic_api_key,
            AiProvider.GOOGLE: self.gemini_api_key,
            AiProvider.XAI: self.xai_api_key,
            AiProvider.GROQ: self.groq_api_key,
        }
        return {provider: key.get_secret_value() for provider, key in keys.items() if key}

    @property
    def provider_bases(self) -> Mapping[AiProvider, str]:
        """The addresses that are set, by provider, without a slash at the end."""
        bases = {
            AiProvider.OPENAI: self.openai_api_base,
            AiProvider.ANTHROPIC: self.anthropic_api_base,
            AiProvider.GOOGLE: self.gemini_api_base,
            AiProvider.XAI: self.xai_api_base,
            AiProvider.GROQ: self.groq_api_base,
        }
        return {provider: base for provider, base in bases.items() if base}
