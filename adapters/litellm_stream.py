"""The road over LiteLLM: for providers that do not speak the OpenAI protocol."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from adapters.http_failures import REFUSALS, http_failure
from adapters.litellm_planner import LitellmPlanner
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from domain.models import REPLY_TOKENS
from domain.providers import Piece, TextPiece, TokenCount

NAMES: Mapping[AiProvider, str] = {AiProvider.ANTHROPIC: "anthropic", AiProvider.GOOGLE: "gemini"}
# Seconds without a byte. The failover loses its patience long before.
READ_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class LitellmCall:
    """`model` by LiteLLM's own name: `gemini/…`. Key and words are never shown."""

    model: str
    api_key: str = field(repr=False)
    base: str | None
    messages: list[dict[str, str]] = field(repr=False)


class LitellmStream:
    """Streams replies over the connections of an aiohttp session that its maker closes.

    Each call has a session of its own on the shared connections, which notes the responses that
    LiteLLM opens: LiteLLM leaves an abandoned one open, and its exceptions call most failures a
    500, so the response's own status tells better what went wrong.
    """

    def __init__(self, planner: LitellmPlanner, session: aiohttp.ClientSession) -> None:
        self._planner = planner
        self._connector = session.connector

    async def stream(self, call: LitellmCall) -> AsyncGenerator[Piece]:
        """One reply, a piece for each of the provider's events. Raises `ProviderFailure`."""
        litellm = await self._planner.warm()
        responses: list[aiohttp.ClientResponse] = []
        async with noting_session(self._connector, responses) as session:
            try:
                answer = await litellm.acompletion(**arguments(call), client=self._client(session))
                async for chunk in answer:
                    for piece in pieces_of(chunk):
                        yield piece
            except Exception as error:
                raise failure_of(error, responses) from None
            finally:
                for response in responses:
                    response.close()
        # LiteLLM makes up a finish reason for the caller where the provider sent none.
        if answer.received_finish_reason is None:
            raise ProviderFailure("broken_stream")

    def _client(self, session: aiohttp.ClientSession) -> object:
        """LiteLLM's own HTTP client, on our session. Its redirects would carry the key along."""
        from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

        transport = LiteLLMAiohttpTransport(client=session, owns_session=False)
        return AsyncHTTPHandler(timeout=READ_TIMEOUT, transport=transport, follow_redirects=False)


def noting_session(
    connector: aiohttp.BaseConnector | None, responses: list[aiohttp.ClientResponse]
) -> aiohttp.ClientSession:
    async def note(_session: object, _context: object, end: aiohttp.TraceRequestEndParams) -> None:
        responses.append(end.response)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(note)
    return aiohttp.ClientSession(
        connector=connector, connector_owner=False, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[trace]
    )


def arguments(call: LitellmCall) -> dict[str, object]:
    """LiteLLM's own retries and fallbacks stay off: it would send one provider's key to another."""
    return {
        "model": call.model,
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


def pieces_of(chunk: Any) -> list[Piece]:
    pieces: list[Piece] = []
    if chunk.choices and (text := chunk.choices[0].delta.content):
        pieces.append(TextPiece(text))
    if usage := getattr(chunk, "usage", None):
        pieces.append(TokenCount(usage.prompt_tokens, usage.completion_tokens))
    return pieces


def failure_of(error: Exception, responses: list[aiohttp.ClientResponse]) -> ProviderFailure:
    """Our own word for what LiteLLM raised. Its message may quote the prompt, so it goes no further."""
    status = getattr(error, "status_code", None)
    if responses and responses[-1].status != 200:
        return http_failure(responses[-1].status, responses[-1].headers.get("Retry-After"))
    if status in REFUSALS:
        return http_failure(status)
    if responses:
        return ProviderFailure("broken_stream")
    return ProviderFailure("connect_timeout" if status == 408 else "unreachable")
