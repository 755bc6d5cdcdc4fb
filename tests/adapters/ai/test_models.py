"""Which road leads to a model, and which key goes along."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from adapters.ai.models import AiModels
from domain.ai.models import REPLY_TOKENS, Candidate
from domain.ai.prompts import Prompt, Utterance
from domain.ai.providers import Delta
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from domain.sessions import Role
from tests.parts.upstream import Upstream, running_upstream

PROMPT = Prompt("You are Ada.", (Utterance(Role.USER, "Hello"),))
MANAGED: list[AiProvider] = [provider for provider in AiProvider if provider is not AiProvider.CUSTOM]
ENVIRONMENT = ["OPENAI", "GROQ", "XAI", "ANTHROPIC", "GEMINI", "GOOGLE"]
Upstreams = dict[AiProvider, Upstream]

# Streams from a custom endpoint, whose address is the first argument, and tells whether LiteLLM was loaded.
WITHOUT_LITELLM = """
import asyncio, sys
from adapters.ai.models import AiModels
from domain.avatars import AiProvider
from domain.ai.models import Candidate
from domain.ai.prompts import Prompt

async def main(base):
    async with AiModels({}, {}, private_hosts=[base.split("/")[2]]) as models:
        candidate = Candidate(AiProvider.CUSTOM, "whole", None, base)
        assert [delta async for delta in models.stream(candidate, Prompt("You are Ada.", ()))]

asyncio.run(main(sys.argv[1]))
print("litellm" in sys.modules)
"""


@pytest.fixture
async def upstreams() -> AsyncGenerator[Upstreams]:
    """A server of its own for each provider."""
    async with AsyncExitStack() as stack:
        yield {provider: await stack.enter_async_context(running_upstream()) for provider in AiProvider}


@pytest.fixture
async def models(upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[AiModels]:
    """With keys for all providers but xAI, where LiteLLM would find one in the environment."""
    for name in ENVIRONMENT:
        monkeypatch.setenv(f"{name}_API_KEY", f"{name}-of-the-environment")
    keyed: list[AiProvider] = [provider for provider in AiProvider if provider is not AiProvider.XAI]
    keys = {provider: f"server-key-of-{provider}" for provider in keyed}
    bases = {provider: upstreams[provider].url for provider in MANAGED}
    private = [upstreams[AiProvider.CUSTOM].url.split("/")[2]]
    async with AiModels(keys, bases, private_hosts=private) as models:
        yield models


async def ask(models: AiModels, candidate: Candidate) -> ProviderFailure | None:
    try:
        async for _ in models.stream(candidate, PROMPT):
            pass
    except ProviderFailure as failure:
        return failure
    return None


def keys_seen(upstreams: Upstreams) -> dict[AiProvider, list[str]]:
    return {provider: upstream.last.keys for provider, upstream in upstreams.items() if upstream.requests}


@pytest.mark.parametrize("provider", [provider for provider in MANAGED if provider is not AiProvider.XAI])
async def test_the_servers_key_goes_to_its_provider(
    models: AiModels, upstreams: Upstreams, provider: AiProvider
) -> None:
    await ask(models, Candidate(provider, "whole"))
    assert keys_seen(upstreams) == {provider: [f"server-key-of-{provider}"]}


@pytest.mark.parametrize("provider", MANAGED)
async def test_an_owners_key_wins(models: AiModels, upstreams: Upstreams, provider: AiProvider) -> None:
    await ask(models, Candidate(provider, "whole", "owners-key"))
    assert keys_seen(upstreams) == {provider: ["owners-key"]}


@pytest.mark.parametrize("provider", MANAGED)
async def test_an_address_of_an_owner_gets_nothing_but_for_custom(
    models: AiModels, upstreams: Upstreams, provider: AiProvider
) -> None:
    await ask(models, Candidate(provider, "whole", "owners-key", upstreams[AiProvider.CUSTOM].url))
    assert keys_seen(upstreams) == {provider: ["owners-key"]}


@pytest.mark.parametrize(("own", "sent"), [("owners-key", ["owners-key"]), (None, [])])
async def test_a_custom_endpoint_gets_its_own_key_or_none(
    models: AiModels, upstreams: Upstreams, own: str | None, sent: list[str]
) -> None:
    candidate = Candidate(AiProvider.CUSTOM, "whole", own, upstreams[AiProvider.CUSTOM].url)
    assert await ask(models, candidate) is None
    assert keys_seen(upstreams) == {AiProvider.CUSTOM: sent}


async def test_without_a_key_nothing_is_sent(models: AiModels, upstreams: Upstreams) -> None:
    failure = await ask(models, Candidate(AiProvider.XAI, "whole"))
    assert failure is not None
    assert (failure.reason, failure.refused) == ("no_key", False)
    assert keys_seen(upstreams) == {}


async def test_keys_keep_apart_when_all_speak_at_once(models: AiModels, upstreams: Upstreams) -> None:
    candidates = [Candidate(provider, "whole", f"own-key-of-{provider}") for provider in MANAGED]
    await asyncio.gather(*(ask(models, candidate) for candidate in candidates for _ in range(4)))
    for provider in MANAGED:
        seen = {key for request in upstreams[provider].requests for key in request.keys}
        assert seen == {f"own-key-of-{provider}"}


async def test_managed_are_the_providers_with_a_key(models: AiModels) -> None:
    assert models.managed() == {AiProvider.OPENAI, AiProvider.GROQ, AiProvider.ANTHROPIC, AiProvider.GOOGLE}


def test_an_empty_key_is_none() -> None:
    assert AiModels({AiProvider.OPENAI: ""}, {}).managed() == frozenset()


@pytest.mark.parametrize("provider", [AiProvider.OPENAI, AiProvider.GROQ, AiProvider.CUSTOM])
async def test_the_request(models: AiModels, upstreams: Upstreams, provider: AiProvider) -> None:
    base = upstreams[provider].url if provider is AiProvider.CUSTOM else None
    await ask(models, Candidate(provider, "whole", None, base))
    sent = upstreams[provider].last
    assert sent.path == "/v1/chat/completions"
    assert sent.body == {
        "model": "whole",
        "messages": PROMPT.messages(),
        "max_tokens": REPLY_TOKENS,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize("provider", [AiProvider.OPENAI, AiProvider.CUSTOM])
async def test_a_thinking_model_takes_another_limit(
    models: AiModels, upstreams: Upstreams, provider: AiProvider
) -> None:
    base = upstreams[provider].url if provider is AiProvider.CUSTOM else None
    await ask(models, Candidate(provider, "gpt-5.4", None, base))
    body = upstreams[provider].last.body
    assert body["max_completion_tokens"] == REPLY_TOKENS
    assert "max_tokens" not in body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "[::ffff:127.0.0.1]"])
async def test_a_custom_endpoint_within_our_network_is_refused(upstreams: Upstreams, host: str) -> None:
    port = upstreams[AiProvider.CUSTOM].url.split(":")[2]
    async with AiModels({}, {}) as models:
        failure = await ask(models, Candidate(AiProvider.CUSTOM, "whole", "owners-key", f"http://{host}:{port}"))
    assert failure is not None
    assert (failure.reason, failure.refused) == ("blocked_address", True)
    assert keys_seen(upstreams) == {}


async def test_a_custom_candidate_without_an_address(models: AiModels) -> None:
    failure = await ask(models, Candidate(AiProvider.CUSTOM, "whole"))
    assert failure is not None
    assert (failure.reason, failure.refused) == ("no_address", True)


async def test_leaving_early_hangs_up(models: AiModels, upstreams: Upstreams) -> None:
    upstream = upstreams[AiProvider.CUSTOM]
    deltas: AsyncGenerator[Delta] = models.stream(Candidate(AiProvider.CUSTOM, "stall", None, upstream.url), PROMPT)
    await anext(deltas)
    await deltas.aclose()
    await upstream.hung_up.wait()


async def test_a_custom_endpoint_does_not_need_litellm(upstreams: Upstreams) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WITHOUT_LITELLM,
        upstreams[AiProvider.CUSTOM].url,
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert output.split() == [b"False"]
