"""The road over LiteLLM: for providers that do not speak the OpenAI protocol."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from adapters.ai.failures import REFUSALS, http_failure
from adapters.ai.litellm_planner import LitellmPlanner
from adapters.ai.openai_events import Surrogates, without_nul
from domain.ai.models import REPLY_TOKENS
from domain.ai.providers import Delta, TextDelta, TokenCount
from domain.avatars import AiProvider
from domain.errors import ProviderFailure

if TYPE_CHECKING:
    from adapters.ai.litellm_transport import WatchedTransport

# Seconds without a byte. The failover loses its patience long before.
READ_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Dialect:
    """A provider by LiteLLM's own name, and the bytes that each whole answer of its ends with."""

    name: str
    ending: bytes


# Within a reply's text the quotes would be escaped, so no text looks like an ending.
DIALECTS = {
    AiProvider.ANTHROPIC: Dialect("anthropic", b'"message_stop"'),
    AiProvider.GOOGLE: Dialect("gemini", b'"finishReason"'),
}


@dataclass(frozen=True, slots=True)
class LitellmCall:
    """One question to one model. Key and words are never shown."""

    dialect: Dialect
    model: str
    api_key: str = field(repr=False)
    base: str | None
    messages: list[dict[str, str]] = field(repr=False)


class LitellmStream:
    """Streams replies over an aiohttp session that its maker closes."""

    def __init__(self, planner: LitellmPlanner, session: aiohttp.ClientSession) -> None:
        self._planner = planner
        self._session = session

    async def stream(self, call: LitellmCall) -> AsyncGenerator[Delta]:
        """One reply, a delta for each of the provider's events. Raises `ProviderFailure`.

        Closing it early closes the connection, which tells the provider to stop.
        """
        litellm = await self._planner.warm()
        from adapters.ai.litellm_transport import WatchedTransport

        transport = WatchedTransport(self._session, call.dialect.ending)
        count: TokenCount | None = None
        surrogates = Surrogates()
        try:
            answer = await litellm.acompletion(**arguments(call), client=self._client(call, transport))
            async for chunk in answer:
                if text := surrogates.paired(without_nul(text_of(chunk) or "")):
                    yield TextDelta(text)
                count = count_of(chunk) or count
        except Exception as error:
            raise failure_of(error, transport) from None
        finally:
            await transport.close_response()
        if not transport.saw_the_end:
            raise ProviderFailure("broken_stream")
        # LiteLLM estimates the tokens of a broken stream, so its count comes after that check.
        if count:
            yield count

    def _client(self, _call: LitellmCall, transport: "WatchedTransport") -> object:
        """LiteLLM's own client. It must not follow redirects: they would take the key along."""
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

        return AsyncHTTPHandler(timeout=READ_TIMEOUT, transport=transport, follow_redirects=False)


def arguments(call: LitellmCall) -> dict[str, object]:
    """LiteLLM's own retries and fallbacks stay off: it would send one provider's key to another."""
    return {
        "model": f"{call.dialect.name}/{call.model}",
        "messages": call.messages,
        "api_key": call.api_key,
        "api_base": call.base,
        "max_tokens": REPLY_TOKENS,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_retries": 0,
        "num_retries": 0,
        "timeout": READ_TIMEOUT,
    }


def text_of(chunk: Any) -> str | None:
    return chunk.choices[0].delta.content if chunk.choices else None


def count_of(chunk: Any) -> TokenCount | None:
    usage = getattr(chunk, "usage", None)
    return TokenCount(usage.prompt_tokens, usage.completion_tokens) if usage else None


def failure_of(error: Exception, transport: "WatchedTransport") -> ProviderFailure:
    """Our own word for what LiteLLM raised. Its message may quote the prompt, so it goes no further."""
    status = getattr(error, "status_code", None)
    response = transport.response
    if response and response.status_code != 200:
        return http_failure(response.status_code, response.headers.get("Retry-After"))
    if status in REFUSALS:
        return http_failure(status)
    if response:
        return ProviderFailure("broken_stream")
    return ProviderFailure("connect_timeout" if status == 408 else "unreachable")
