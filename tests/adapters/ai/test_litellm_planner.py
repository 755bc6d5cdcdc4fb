"""LiteLLM as a planner: once loaded, never in the way, never with a key."""

import asyncio
import os
import threading
from typing import Any

import pytest

from adapters.ai import litellm_planner
from adapters.ai.litellm_planner import LitellmPlanner, load_litellm, plain_plan
from domain.ai.models import CATALOGUE, REPLY_TOKENS, AiModel
from domain.avatars import AiProvider

STREAM = {"stream": True, "stream_options": {"include_usage": True}}
OURS = [model for model in CATALOGUE if model.provider in litellm_planner.OPENAI_PROTOCOL]


async def warmed() -> LitellmPlanner:
    planner = LitellmPlanner()
    await planner.warm()
    return planner


@pytest.mark.parametrize(
    ("provider", "name", "url"),
    [
        (AiProvider.OPENAI, "gpt-4o-mini", "https://api.openai.com/v1/chat/completions"),
        (AiProvider.GROQ, "llama-3.3-70b-versatile", "https://api.groq.com/openai/v1/chat/completions"),
        (AiProvider.GROQ, "openai/gpt-oss-120b", "https://api.groq.com/openai/v1/chat/completions"),
        (AiProvider.XAI, "grok-3-mini", "https://api.x.ai/v1/chat/completions"),
    ],
)
async def test_a_plan(provider: AiProvider, name: str, url: str) -> None:
    plan = await (await warmed()).plan(provider, name, None)
    assert plan.url == url
    assert plan.parameters == {**STREAM, "max_tokens": REPLY_TOKENS}


@pytest.mark.parametrize("name", ["gpt-5.4", "o3-mini"])
async def test_a_thinking_model_takes_another_limit(name: str) -> None:
    plan = await (await warmed()).plan(AiProvider.OPENAI, name, None)
    assert plan.parameters == {**STREAM, "max_completion_tokens": REPLY_TOKENS}


@pytest.mark.parametrize("base", ["http://127.0.0.1:4010/v1", "http://127.0.0.1:4010/v1/"])
async def test_another_address(base: str) -> None:
    plan = await (await warmed()).plan(AiProvider.GROQ, "llama-3.3-70b-versatile", base)
    assert plan.url == "http://127.0.0.1:4010/v1/chat/completions"


async def test_no_plan_has_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in litellm_planner.OPENAI_PROTOCOL:
        monkeypatch.setenv(f"{provider.upper()}_API_KEY", "key-of-the-environment")
        plan = await (await warmed()).plan(provider, "whatever", None)
        assert "key-of-the-environment" not in repr(plan)
        assert "authorization" not in {header.lower() for header in plan.headers}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.id)
async def test_a_plain_plan_is_what_litellm_plans(model: AiModel) -> None:
    planned = await (await warmed()).plan(model.provider, model.name, None)
    plain = plain_plan(model.name, litellm_planner.OPENAI_PROTOCOL[model.provider])
    assert (plain.url, plain.parameters) == (planned.url, planned.parameters)


async def test_a_plain_plan_where_litellm_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr(litellm_planner, "plan_by_litellm", broken)
    plan = await (await warmed()).plan(AiProvider.OPENAI, "gpt-4o-mini", None)
    assert plan == plain_plan("gpt-4o-mini", "https://api.openai.com/v1")


async def test_nobody_waits_for_litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = threading.Event()
    monkeypatch.setattr(litellm_planner, "load_litellm", lambda: loaded.wait() and load_litellm())
    planner = LitellmPlanner()
    base = litellm_planner.OPENAI_PROTOCOL[AiProvider.OPENAI]
    try:
        assert await planner.plan(AiProvider.OPENAI, "gpt-5.4", None) == plain_plan("gpt-5.4", base)
    finally:
        loaded.set()
    assert await planner.warm() is load_litellm()


async def test_a_plain_plan_where_litellm_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ImportError

    monkeypatch.setattr(litellm_planner, "load_litellm", missing)
    planner = LitellmPlanner()
    with pytest.raises(ImportError):
        await planner.warm()
    base = litellm_planner.OPENAI_PROTOCOL[AiProvider.GROQ]
    assert await planner.plan(AiProvider.GROQ, "llama", None) == plain_plan("llama", base)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://llm.example.com/v1", "https://llm.example.com/v1/chat/completions"),
        ("https://llm.example.com/v1/", "https://llm.example.com/v1/chat/completions"),
        ("https://llm.example.com/v1/chat/completions", "https://llm.example.com/v1/chat/completions"),
        ("https://llm.example.com", "https://llm.example.com/chat/completions"),
    ],
)
def test_the_address_of_a_plain_plan(base: str, url: str) -> None:
    assert plain_plan("qwen", base).url == url


async def test_each_model_is_planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[str] = []

    def plan(_litellm: object, _provider: AiProvider, name: str, base: str) -> litellm_planner.Plan:
        planned.append(name)
        return plain_plan(name, base)

    monkeypatch.setattr(litellm_planner, "plan_by_litellm", plan)
    planner = await warmed()
    for name in ("a", "b", "a", "a"):
        await planner.plan(AiProvider.OPENAI, name, None)
    assert planned == ["a", "b"]


async def test_litellm_is_loaded_once_for_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[object] = []

    def load() -> object:
        loads.append(object())
        return loads[-1]

    monkeypatch.setattr(litellm_planner, "load_litellm", load)
    planner = LitellmPlanner()
    assert len({id(module) for module in await asyncio.gather(*(planner.warm() for _ in range(50)))}) == 1
    assert len(loads) == 1


async def test_who_stops_waiting_does_not_stop_the_loading() -> None:
    planner = LitellmPlanner()
    impatient = asyncio.create_task(planner.warm())
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await planner.warm() is load_litellm()


def test_litellm_downloads_prints_and_tells_nothing() -> None:
    litellm = load_litellm()
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert litellm.disable_hf_tokenizer_download is True
    assert litellm.suppress_debug_info is True
    assert litellm.verbose_logger.disabled is True
