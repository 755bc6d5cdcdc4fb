"""The rule of every field that an owner sets, and the error when it is broken."""

import re
from dataclasses import fields, replace
from typing import Any

import pytest

from domain.avatars import (
    CHOICES,
    FLAGS,
    NULLABLE,
    REQUIRED,
    SETTING_NAMES,
    TEXT_MAX,
    AiProvider,
    Avatar,
    AvatarSettings,
    AvatarStatus,
    Body,
    TtsProvider,
    changed,
    check,
    new_short_id,
    public_name,
    settings_from,
    with_consistent_brain,
)
from domain.errors import BadRequest
from tests.fakes.clock import START

URL = "https://models.example/ava.glb"
NEEDED: dict[str, object] = {"slug": "ava", "name": "Ava", "avatar_model_url": URL}
AVA = AvatarSettings("ava", "Ava", URL)
TEXTS = sorted(SETTING_NAMES & set(TEXT_MAX) - {"slug"})
URLS = ("avatar_model_url", "ai_base_url")


def refusal(values: dict[str, object]) -> tuple[Any, Any]:
    """The field and the reason that an owner is told about these values."""
    with pytest.raises(BadRequest) as refused:
        changed(AVA, values)
    details = refused.value.details
    assert refused.value.message == f"{details['field']}: {details['reason']}"
    return details["field"], details["reason"]


def test_a_new_avatar_needs_three_fields_only() -> None:
    assert settings_from(NEEDED) == AVA


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", ...])
def test_a_new_avatar_needs_each_of_them(name: str, value: object) -> None:
    values = {**NEEDED, name: value}
    if value is ...:
        del values[name]
    with pytest.raises(BadRequest) as refused:
        settings_from(values)
    assert refused.value.details == {"field": public_name(name), "reason": "is required"}


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_field_cannot_be_blanked(name: str) -> None:
    assert refusal({name: "  "})[0] == public_name(name)


def test_the_defaults_of_a_new_avatar() -> None:
    assert (AVA.avatar_body, AVA.background_color, AVA.ai_provider) == (Body.FEMALE, "#0A0A0F", AiProvider.GROQ)
    assert (AVA.tts_provider, AVA.status) == (TtsProvider.GROQ, AvatarStatus.ACTIVE)
    assert (AVA.is_public, AVA.allow_embedding, AVA.voice_chat_enabled) == (True, True, False)
    assert (AVA.greeting, AVA.traits) == ("Hi! How can I help you today?", ())


def test_every_setting_has_a_rule() -> None:
    ruled = {*TEXT_MAX, *CHOICES, *FLAGS, *URLS, "traits", "background_color"}
    assert ruled - {"ai_api_key", "password"} == SETTING_NAMES


def test_every_setting_of_type_bool_is_a_flag() -> None:
    assert {field.name for field in fields(AvatarSettings) if field.type is bool} == FLAGS


def test_fields_that_we_do_not_know_are_left_alone() -> None:
    assert settings_from({**NEEDED, "color": "red", "id": 7}) == AVA


def test_only_what_was_sent_is_changed() -> None:
    assert changed(AVA, {"tagline": "Hello", "is_public": False}) == replace(AVA, tagline="Hello", is_public=False)
    assert changed(AVA, {}) == AVA


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_trimmed_and_has_a_longest_length(name: str) -> None:
    longest = "x" * TEXT_MAX[name]
    assert check(name, f"  {longest}\n") == longest
    assert refusal({name: longest + "x"}) == (public_name(name), f"can have at most {TEXT_MAX[name]} characters")


@pytest.mark.parametrize("name", [*TEXTS, "slug"])
def test_a_text_cannot_hold_what_databases_refuse(name: str) -> None:
    assert refusal({name: "a\x00b"}) == (public_name(name), "cannot contain a NUL character")


@pytest.mark.parametrize("name", [*TEXTS, "slug", "background_color"])
@pytest.mark.parametrize("value", [7, True, ["a"], {"a": 1}, b"a"])
def test_a_text_must_be_text(name: str, value: object) -> None:
    assert refusal({name: value}) == (public_name(name), "takes text")


@pytest.mark.parametrize("name", sorted(FLAGS))
@pytest.mark.parametrize("value", ["true", "", 0, 1, []])
def test_a_flag_must_be_true_or_false(name: str, value: object) -> None:
    assert check(name, False) is False
    assert refusal({name: value}) == (public_name(name), "takes true or false")


@pytest.mark.parametrize("name", sorted(SETTING_NAMES))
def test_null_clears_only_what_may_be_empty(name: str) -> None:
    if name in NULLABLE:
        assert check(name, None) is None
    else:
        assert refusal({name: None}) == (public_name(name), "cannot be null")


def test_what_may_be_null_is_what_the_settings_allow_to_be_null() -> None:
    assert {field.name for field in fields(AvatarSettings) if field.type == str | None} == NULLABLE


@pytest.mark.parametrize("slug", ["a", "ava", "ava-2", "1-2-3", "x" * 64])
def test_slugs(slug: str) -> None:
    assert check("slug", slug) == slug


@pytest.mark.parametrize("slug", ["Ava", "a_b", "-a", "a-", "a--b", "ä", "a b", "a/b", "x" * 65, "a\nb", "²"])
def test_slugs_that_are_none(slug: str) -> None:
    assert refusal({"slug": slug})[0] == "slug"


def test_colours() -> None:
    assert check("background_color", "#0a0A0f") == "#0a0A0f"
    for value in ("red", "#fff", "#0A0A0F0", "0A0A0F", "#GGGGGG", ""):
        assert refusal({"background_color": value}) == ("backgroundColor", "takes a colour like #0A0A0F")


@pytest.mark.parametrize("name", sorted(CHOICES))
def test_a_choice_takes_its_values_only(name: str) -> None:
    for value in CHOICES[name]:
        assert check(name, str(value)) is value
        assert check(name, value) is value
    others: list[object] = ["none of them", "", 7, True, [], str(next(iter(CHOICES[name]))).swapcase()]
    for other in others:
        assert refusal({name: other}) == (public_name(name), f"takes one of {', '.join(CHOICES[name])}")


def test_gemini_is_another_name_for_google() -> None:
    assert check("ai_provider", "gemini") is AiProvider.GOOGLE
    assert refusal({"tts_provider": "gemini"})[0] == "ttsProvider"


def test_traits() -> None:
    assert check("traits", [" kind ", "brief"]) == ("kind", "brief")
    assert check("traits", ()) == ()
    assert check("traits", ["x"] * 20) == ("x",) * 20
    assert refusal({"traits": ["x"] * 21}) == ("traits", "can have at most 20 entries")
    for trait in ("", " ", "x" * 101, "a\x00"):
        assert refusal({"traits": ["kind", trait]}) == ("traits", "takes entries of 1 to 100 characters")


@pytest.mark.parametrize("value", ["kind", 7, {"kind": True}, ["kind", 7], [None], [["kind"]]])
def test_traits_that_are_no_list_of_texts(value: object) -> None:
    assert refusal({"traits": value}) == ("traits", "takes a list of texts")


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "http://a.example:8080/b.glb?c=d#e",
        "HTTPS://A.example/b",
        "http://127.0.0.1:9/v1",
        "http://[::1]:9/v1",
        "https://münchen.example/ä.glb",
        f"https://a.example/{'x' * 1982}",
    ],
)
@pytest.mark.parametrize("name", URLS)
def test_addresses(name: str, url: str) -> None:
    assert check(name, f" {url} ") == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example/b.glb",
        "/b.glb",
        "//a.example/b",
        "ftp://a.example/b",
        "javascript:alert(1)",
        "data:text/plain,a",
        "https://",
        "https:///b",
        "http://:80/",
        "http://a.example:0/",
        "http://a.example:99999/",
        "http://a.example:x/",
        "http://[::1/",
        "https://a.example/b c",
        "https://a.exa\nmple/b",
        "https://a.example/\x00",
        "https://a.example/\x7f",
        f"https://a.example/{'x' * 1983}",
        7,
        ["https://a.example"],
    ],
)
@pytest.mark.parametrize("name", URLS)
def test_addresses_that_are_none(name: str, url: object) -> None:
    assert refusal({name: url}) == (public_name(name), "takes an http or https address")


@pytest.mark.parametrize("user", ["me:secret", "me", ":secret", ":", "", "good.example\\"])
@pytest.mark.parametrize("name", URLS)
def test_an_address_carries_no_credentials(name: str, user: str) -> None:
    assert refusal({name: f"https://{user}@a.example/"}) == (
        public_name(name),
        "cannot carry a user name or a password",
    )


def brain(sent: dict[str, object], before: AvatarSettings | None = None) -> AvatarSettings:
    """The settings after an owner sent these fields, for a new avatar or for one that was `before`."""
    after = changed(before, sent) if before else settings_from({**NEEDED, **sent})
    return with_consistent_brain(after, sent, before)


OWN_SERVER: dict[str, object] = {"ai_provider": "custom", "ai_model": "m", "ai_base_url": "http://127.0.0.1:9/v1"}


def test_a_custom_provider_has_an_address_and_a_model() -> None:
    settings = brain(OWN_SERVER)
    assert (settings.ai_provider, settings.ai_model, settings.ai_base_url) == (
        AiProvider.CUSTOM, "m", "http://127.0.0.1:9/v1",
    )  # fmt: skip


@pytest.mark.parametrize(("absent", "spelled"), [("ai_model", "aiModel"), ("ai_base_url", "aiBaseUrl")])
@pytest.mark.parametrize("update", [False, True])
def test_a_custom_provider_needs_both(absent: str, spelled: str, update: bool) -> None:
    sent = {name: value for name, value in OWN_SERVER.items() if name != absent}
    with pytest.raises(BadRequest) as refused:
        brain(sent, replace(AVA, ai_model="llama") if update else None)
    assert refused.value.details == {"field": spelled, "reason": "is required when aiProvider is custom"}


@pytest.mark.parametrize("value", [None, ""])
def test_a_custom_provider_cannot_lose_its_model(value: object) -> None:
    with pytest.raises(BadRequest, match="aiModel: is required"):
        brain({"ai_model": value}, brain(OWN_SERVER))


def test_a_custom_provider_cannot_lose_its_address() -> None:
    with pytest.raises(BadRequest, match="aiBaseUrl: is required"):
        brain({"ai_base_url": None}, brain(OWN_SERVER))


@pytest.mark.parametrize("before", [None, AVA])
def test_only_a_custom_provider_has_an_address(before: AvatarSettings | None) -> None:
    with pytest.raises(BadRequest) as refused:
        brain({"ai_base_url": "https://a.example"}, before)
    assert refused.value.details == {"field": "aiBaseUrl", "reason": "can only be set when aiProvider is custom"}


def test_leaving_a_custom_provider_forgets_its_address_and_model() -> None:
    settings = brain({"ai_provider": "openai"}, brain(OWN_SERVER))
    assert (settings.ai_provider, settings.ai_model, settings.ai_base_url) == (AiProvider.OPENAI, None, None)


def test_another_provider_forgets_the_model_of_the_first() -> None:
    assert brain({"ai_provider": "openai"}, replace(AVA, ai_model="llama")).ai_model is None
    assert brain({"ai_provider": "openai", "ai_model": "gpt"}, replace(AVA, ai_model="llama")).ai_model == "gpt"


def test_the_same_provider_keeps_its_model() -> None:
    before = replace(AVA, ai_model="llama")
    assert brain({"ai_provider": "groq", "tone": "warm"}, before).ai_model == "llama"
    assert brain({"name": "Eva"}, brain(OWN_SERVER)).ai_base_url == "http://127.0.0.1:9/v1"


def test_an_address_sent_as_null_fits_every_provider() -> None:
    assert brain({"ai_base_url": None}).ai_base_url is None


def test_names_as_callers_spell_them() -> None:
    assert public_name("avatar_model_url") == "avatarModelUrl"
    assert public_name("slug") == "slug"


def test_short_ids() -> None:
    made = {new_short_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9]{11}", short_id) for short_id in made)


def avatar(settings: AvatarSettings = AVA) -> Avatar:
    return Avatar("id", "account", "a1B2c3D4e5F", settings, "prompt", START, START)


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("status", AvatarStatus)
def test_an_avatar_is_open_when_it_is_public_and_active(public: bool, status: AvatarStatus) -> None:
    settings = replace(AVA, is_public=public, status=status)
    assert avatar(settings).is_open is (public and status is AvatarStatus.ACTIVE)


def test_where_an_avatar_is_met() -> None:
    assert avatar().url("https://avatarium.example") == "https://avatarium.example/a/a1B2c3D4e5F"
    assert avatar().embed_url("https://avatarium.example") == "https://avatarium.example/a/a1B2c3D4e5F/embed"


def test_secrets_are_not_printed() -> None:
    assert "scrypt" not in repr(replace(avatar(), password_hash="scrypt$1$2"))
