"""All AI providers behind one port: picks the road to each, and the key that belongs there."""

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import AsyncExitStack, aclosing
from types import TracebackType

import aiohttp

from adapters.ai.litellm_planner import OPENAI_PROTOCOL, LitellmPlanner, Plan, plain_plan
from adapters.ai.litellm_stream import DIALECTS, LitellmCall, LitellmStream
from adapters.ai.openai_stream import ChatRequest, OpenAiStream, open_session
from adapters.fetching.guarded_connector import GuardedConnector
from adapters.settings.settings import Settings
from domain.ai.models import Candidate
from domain.ai.prompts import Prompt
from domain.ai.providers import Delta
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from domain.ports import Models

CONNECTIONS = 1000
CONNECT_TIMEOUT = 5.0


def open_models(settings: Settings) -> "AiModels":
    return AiModels(
        settings.provider_keys,
        settings.provider_bases,
        connect_timeout=settings.ai_connect_timeout,
        private_hosts=settings.allow_private_hosts,
    )


class AiModels(Models):
    """Used as an async context manager, which opens and closes its connections.

    `keys` are this server's own, `bases` its own addresses for providers, which are trusted. An
    address that an owner gave to a `custom` candidate is not: it leads to the public internet only,
    or to one of the `private_hosts` (`host:port`), and no key of the server ever goes there.
    """

    def __init__(
        self,
        keys: Mapping[AiProvider, str],
        bases: Mapping[AiProvider, str],
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        private_hosts: Collection[str] = (),
    ) -> None:
        self._keys: dict[AiProvider, str] = {
            provider: key for provider, key in keys.items() if key and provider is not AiProvider.CUSTOM
        }
        self._bases = dict(bases)
        self._connect_timeout = connect_timeout
        self._private_hosts = private_hosts
        self._planner = LitellmPlanner()
        self._sessions = AsyncExitStack()

    async def __aenter__(self) -> "AiModels":
        trusted = await self._session(aiohttp.TCPConnector(limit=CONNECTIONS))
        guarded = await self._session(GuardedConnector(self._private_hosts, limit=CONNECTIONS))
        self._providers, self._custom = OpenAiStream(trusted), OpenAiStream(guarded)
        self._litellm = LitellmStream(self._planner, trusted)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._sessions.aclose()

    async def warm(self) -> None:
        """Loads LiteLLM, so that the first reply need not wait for it. Takes seconds, on a thread."""
        await self._planner.warm()

    def managed(self) -> frozenset[AiProvider]:
        return frozenset(self._keys)

    async def stream(self, candidate: Candidate, prompt: Prompt) -> AsyncGenerator[Delta]:
        async with aclosing(await self._road(candidate, prompt)) as deltas:
            async for delta in deltas:
                yield delta

    async def _road(self, candidate: Candidate, prompt: Prompt) -> AsyncGenerator[Delta]:
        provider, name = candidate.provider, candidate.name
        if provider is AiProvider.CUSTOM:
            if not candidate.base_url:
                raise ProviderFailure("no_address", refused=True)
            return self._custom.stream(request(plain_plan(name, candidate.base_url), candidate.api_key, name, prompt))
        key, base = self._key(candidate), self._bases.get(provider)
        if provider in OPENAI_PROTOCOL:
            plan = await self._planner.plan(provider, name, base)
            return self._providers.stream(request(plan, key, name, prompt))
        return self._litellm.stream(LitellmCall(DIALECTS[provider], name, key, base, prompt.messages()))

    def _key(self, candidate: Candidate) -> str:
        """The candidate's own key, or the server's for exactly this provider."""
        key = candidate.api_key or self._keys.get(candidate.provider)
        if not key:
            raise ProviderFailure("no_key")
        return key

    async def _session(self, connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
        return await self._sessions.enter_async_context(open_session(connector, self._connect_timeout))


def request(plan: Plan, key: str | None, name: str, prompt: Prompt) -> ChatRequest:
    authorization = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"model": name, "messages": prompt.messages(), **plan.parameters}
    return ChatRequest(plan.url, {**plan.headers, **authorization}, body)
