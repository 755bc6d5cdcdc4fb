"""LiteLLM as a planner: which address, headers and parameters a provider's model takes.

It never touches the answers to what it planned: its own stream costs fifty times the CPU of ours.
`import litellm` takes seconds and about 190 MiB, hence only on first need and on a thread.
"""

import asyncio
import logging
import os
import re
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.ai.models import REPLY_TOKENS
from domain.avatars import AiProvider

OPENAI_PROTOCOL: Mapping[AiProvider, str] = {
    AiProvider.OPENAI: "https://api.openai.com/v1",
    AiProvider.GROQ: "https://api.groq.com/openai/v1",
    AiProvider.XAI: "https://api.x.ai/v1",
}
# OpenAI's thinking models refuse `max_tokens`.
COMPLETION_TOKENS = re.compile(r"(openai/)?(gpt-5|o\d)")
STREAMING = {"stream": True, "stream_options": {"include_usage": True}}
LOADING = threading.Lock()
# What Pydantic says of LiteLLM's own types when it first builds them.
READ_ONLY = r"Item '\w+' on TypedDict class '\w+' is using the `ReadOnly` qualifier"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to ask one model, without the key and without the words."""

    url: str
    headers: Mapping[str, str]
    parameters: Mapping[str, object]


def plain_plan(name: str, base: str) -> Plan:
    """What any server that speaks the OpenAI protocol understands; needs no LiteLLM."""
    limit = "max_completion_tokens" if COMPLETION_TOKENS.match(name) else "max_tokens"
    url = base.rstrip("/")
    url = url if url.endswith("/chat/completions") else f"{url}/chat/completions"
    return Plan(url, {}, {**STREAMING, limit: REPLY_TOKENS})


def load_litellm() -> Any:
    """The module, set up so that it downloads nothing, prints nothing and logs nothing.

    Its first stream imports and builds more, so the first load ends with a made-up one.
    """
    with LOADING:
        # Without it the import downloads a price list.
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        import litellm

        if litellm.disable_hf_tokenizer_download is not True:
            quieten(litellm)
            rehearse(litellm)
        return litellm


def quieten(litellm: Any) -> None:
    # Otherwise every call for a Llama model tries to download a tokenizer, within the event loop.
    litellm.disable_hf_tokenizer_download = True
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.disable_streaming_logging = True
    litellm.disable_aiohttp_trust_env = True
    # Embeddings take `max_retries=0` for none given.
    litellm.DEFAULT_MAX_RETRIES = 0
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        # Its warnings quote what a provider answered, which may quote the prompt.
        logging.getLogger(name).disabled = True
    warnings.filterwarnings("ignore", READ_ONLY, UserWarning)


def rehearse(litellm: Any) -> None:
    for name in ("anthropic/claude-sonnet-4-6", "gemini/gemini-3.1-flash"):
        words = [{"role": "user", "content": "Hello"}]
        for _ in litellm.completion(model=name, messages=words, api_key="none", stream=True, mock_response="Hello"):
            pass


class LitellmPlanner:
    def __init__(self) -> None:
        self._loading: asyncio.Task[Any] | None = None
        self._planned = lru_cache(maxsize=512)(plan_by_litellm)

    async def warm(self) -> Any:
        """LiteLLM, loaded on a thread on the first call, however many callers wait for it."""
        return await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[Any]:
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(load_litellm))
        return self._loading

    async def plan(self, provider: AiProvider, name: str, base: str | None) -> Plan:
        """For a provider in `OPENAI_PROTOCOL`.

        A plain plan while LiteLLM still loads, which no visitor should wait for, and where it does
        not know what to do.
        """
        base = base or OPENAI_PROTOCOL[provider]
        litellm = self._loaded()
        try:
            return self._planned(litellm, provider, name, base) if litellm else plain_plan(name, base)
        except Exception:
            return plain_plan(name, base)

    def _loaded(self) -> Any:
        """The module, or None as long as it is being loaded, which begins with the first call."""
        loading = self._begin()
        return loading.result() if loading.done() and not loading.exception() else None


def plan_by_litellm(litellm: Any, provider: AiProvider, name: str, base: str) -> Plan:
    config = litellm.ProviderConfigManager.get_provider_chat_config(name, litellm.LlmProviders(str(provider)))
    # Where it is given no key it takes one from the environment, and a key must never enter a plan.
    no_key = "none"
    url = config.get_complete_url(base, no_key, name, {}, {}, stream=True)
    headers = config.validate_environment({}, name, [], {}, {}, api_key=no_key, api_base=base)
    parameters = litellm.utils.get_optional_params(
        model=name, custom_llm_provider=str(provider), max_tokens=REPLY_TOKENS, drop_params=True, **STREAMING
    )
    return Plan(
        url,
        {header: value for header, value in headers.items() if header.lower() != "authorization"},
        {**parameters.pop("extra_body", {}), **parameters},
    )
