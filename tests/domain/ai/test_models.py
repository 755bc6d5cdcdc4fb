"""Who is asked for a reply, in which order, and with whose key."""

from datetime import UTC, datetime

import pytest

from domain.ai.models import BY_ID, CATALOGUE, UNKNOWN_CONTEXT, Candidate, Tier, candidates, default_model
from domain.avatars import AiProvider, Avatar, settings_from

OWN_KEY = "sk-own"
EVERYONE = frozenset(AiProvider) - {AiProvider.CUSTOM}


def avatar(**settings: object) -> Avatar:
    needed = {"slug": "ada", "name": "Ada", "avatar_model_url": "https://models.example.com/ada.glb"}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Avatar("avatar", "account", "W8BTyx9QnVa", settings_from(needed | settings), "You are Ada.", now, now)


def test_the_own_brain_comes_first_then_the_managed_models_of_its_tier() -> None:
    asked = candidates(avatar(ai_provider="xai"), None, EVERYONE)
    assert [candidate.id for candidate in asked] == [
        "xai/grok-3-mini",
        "groq/llama-3.3-70b-versatile",
        "openai/gpt-4o-mini",
        "anthropic/claude-3-5-haiku-20241022",
        "google/gemini-3.1-flash",
    ]


def test_a_premium_brain_is_replaced_by_premium_models() -> None:
    asked = candidates(avatar(ai_provider="anthropic", ai_model="claude-sonnet-4-6"), None, EVERYONE)
    assert [candidate.id for candidate in asked] == ["anthropic/claude-sonnet-4-6", "openai/gpt-5.4"]


def test_an_unknown_brain_is_replaced_by_models_that_every_plan_has() -> None:
    asked = candidates(avatar(ai_provider="openai", ai_model="gpt-7"), None, [AiProvider.OPENAI])
    assert [candidate.id for candidate in asked] == ["openai/gpt-7", "openai/gpt-4o-mini"]


def test_only_providers_with_a_key_are_asked() -> None:
    asked = candidates(avatar(ai_provider="openai"), None, [AiProvider.GROQ])
    assert [candidate.id for candidate in asked] == ["groq/llama-3.3-70b-versatile"]


def test_without_any_key_nobody_is_asked() -> None:
    assert candidates(avatar(), None, frozenset()) == []


def test_the_own_key_goes_to_the_own_provider_only() -> None:
    first, *others = candidates(avatar(ai_provider="openai"), OWN_KEY, EVERYONE)
    assert (first.provider, first.api_key) == (AiProvider.OPENAI, OWN_KEY)
    assert others
    assert all(candidate.api_key is None for candidate in others)


def test_the_own_key_serves_a_provider_that_the_server_has_no_key_for() -> None:
    assert candidates(avatar(ai_provider="openai"), OWN_KEY, frozenset()) == [
        Candidate(AiProvider.OPENAI, "gpt-4o-mini", OWN_KEY)
    ]


def test_a_custom_brain_keeps_its_address_and_its_key_to_itself() -> None:
    brain = avatar(ai_provider="custom", ai_model="qwen", ai_base_url="https://llm.example.com/v1")
    first, *others = candidates(brain, OWN_KEY, EVERYONE)
    assert first == Candidate(AiProvider.CUSTOM, "qwen", OWN_KEY, "https://llm.example.com/v1")
    assert others
    assert all(candidate.api_key is None and candidate.base_url is None for candidate in others)


@pytest.mark.parametrize("missing", ["ai_model", "ai_base_url"])
def test_a_custom_brain_without_model_or_address_cannot_be_asked(missing: str) -> None:
    complete = {"ai_provider": "custom", "ai_model": "qwen", "ai_base_url": "https://llm.example.com/v1"}
    assert candidates(avatar(**complete | {missing: None}), OWN_KEY, frozenset()) == []


def test_an_address_that_is_left_over_is_not_used() -> None:
    left_over = avatar(ai_provider="openai", ai_base_url="https://llm.example.com/v1")
    assert candidates(left_over, OWN_KEY, frozenset())[0].base_url is None


def test_gemini_is_another_name_of_google() -> None:
    assert candidates(avatar(ai_provider="gemini"), OWN_KEY, frozenset())[0].provider is AiProvider.GOOGLE


def test_a_model_may_be_named_by_our_id() -> None:
    named = avatar(ai_provider="openai", ai_model="openai/gpt-5.4")
    assert candidates(named, OWN_KEY, [AiProvider.OPENAI]) == [Candidate(AiProvider.OPENAI, "gpt-5.4", OWN_KEY)]


@pytest.mark.parametrize("name", ["openai/gpt-oss-120b", "groq/compound", "openai/gpt-5.4"])
def test_a_slash_in_a_providers_own_name_stays(name: str) -> None:
    assert candidates(avatar(ai_provider="groq", ai_model=name), OWN_KEY, frozenset())[0].name == name


def test_a_candidate_does_not_show_its_key() -> None:
    assert OWN_KEY not in repr(Candidate(AiProvider.OPENAI, "gpt-4o-mini", OWN_KEY))


def test_context_and_cost_come_from_the_catalogue() -> None:
    known = Candidate(AiProvider.OPENAI, "gpt-4o-mini")
    assert known.context == 128_000
    assert known.cost(1_000_000, 2_000_000) == pytest.approx(0.15 + 2 * 0.60)


def test_an_unknown_model_has_a_small_context_and_no_price() -> None:
    unknown = Candidate(AiProvider.CUSTOM, "qwen")
    assert (unknown.context, unknown.cost(1_000, 1_000)) == (UNKNOWN_CONTEXT, 0.0)


def test_the_catalogue_names_each_model_once_and_gives_it_a_price() -> None:
    assert len(BY_ID) == len(CATALOGUE)
    assert all(model.input_price > 0 and model.output_price > 0 for model in CATALOGUE)


def test_each_provider_has_a_default_model_that_every_plan_has() -> None:
    for provider in EVERYONE:
        assert BY_ID[f"{provider}/{default_model(provider)}"].tier is Tier.MANAGED
    assert default_model(AiProvider.CUSTOM) is None
