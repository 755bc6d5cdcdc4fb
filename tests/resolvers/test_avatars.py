"""Avatars: what their owners do, and what strangers see of them."""

from dataclasses import replace

import pytest

from domain.avatars import AiProvider, Avatar, AvatarStatus
from domain.errors import AvatariumError, BadRequest, NotFound, RateLimited, SlugTaken, Unauthorized
from domain.passwords import matches
from domain.souls import system_prompt
from domain.tables import Store
from resolvers import accounts, avatars, chat, sessions
from resolvers.context import Context, Services
from tests.fakes.clock import FakeClock
from tests.fakes.vault import FakeVault
from tests.resolvers.talk import AVATAR, caller, done, heard, started

OWN_KEY = "sk-0123456789abcdef"
OWN_SERVER: dict[str, object] = {"ai_provider": "custom", "ai_model": "m", "ai_base_url": "https://ai.example/v1"}


def named(slug: str) -> dict[str, object]:
    return {**AVATAR, "slug": slug}


async def hidden(ann: Context, avatar: Avatar) -> Avatar:
    return await avatars.update(ann, avatar.id, {"is_public": False})


async def opened_key(vault: FakeVault, avatar: Avatar) -> str | None:
    return vault.open(avatar.ai_key) if avatar.ai_key else None


async def test_a_new_avatar_is_ready_to_be_met(ann: Context, avatar: Avatar, clock: FakeClock) -> None:
    assert await avatars.get(ann, avatar.id) == avatar
    assert avatar.is_open
    assert (avatar.created_at, avatar.updated_at) == (clock.now(), clock.now())
    assert avatar.system_prompt == system_prompt(avatar.settings)
    assert (avatar.ai_key, avatar.password_hash, avatar.view_count, avatar.conversation_count) == (None, None, 0, 0)


async def test_the_first_avatar_makes_an_account_and_the_second_uses_it(ann: Context, avatar: Avatar) -> None:
    second = await avatars.create(ann, named("eva"))
    mine = await accounts.me(ann)
    assert mine
    assert {avatar.account_id, second.account_id} == {mine.id}


async def test_strangers_create_nothing(stranger: Context) -> None:
    with pytest.raises(Unauthorized):
        await avatars.create(stranger, AVATAR)


async def test_a_slug_is_taken_once_on_the_whole_server(ann: Context, bob: Context, avatar: Avatar) -> None:
    with pytest.raises(SlugTaken):
        await avatars.create(bob, AVATAR)
    second = await avatars.create(ann, named("eva"))
    with pytest.raises(SlugTaken):
        await avatars.update(ann, second.id, {"slug": "ava"})
    assert (await avatars.update(ann, avatar.id, {"slug": "ava"})).settings.slug == "ava"


async def test_three_avatars_in_five_minutes(ann: Context, clock: FakeClock) -> None:
    for slug in "abc":
        await avatars.create(ann, named(slug))
    with pytest.raises(RateLimited) as refused:
        await avatars.create(ann, named("d"))
    assert refused.value.retry_after == 300
    clock.advance(300)
    assert await avatars.create(ann, named("d"))


async def test_a_request_that_breaks_a_rule_does_not_count(ann: Context) -> None:
    for _ in range(5):
        with pytest.raises(BadRequest):
            await avatars.create(ann, named("Not a slug"))
    assert await avatars.create(ann, AVATAR)


async def test_pages_are_newest_first(ann: Context, bob: Context, services: Services, clock: FakeClock) -> None:
    for number, slug in enumerate("abcde"):
        await avatars.create(caller(services, "ann", ip=f"192.0.2.{number}"), named(slug))
        clock.advance(1)
    await avatars.create(bob, named("bobs"))
    slugs: list[str] = []
    after = None
    for expected in (True, True, False):
        page = await avatars.page(ann, first=2, after=after)
        assert page.has_next is expected
        slugs += [avatar.settings.slug for avatar in page.avatars]
        after = page.avatars[-1].id
    assert slugs == ["e", "d", "c", "b", "a"]
    whole = await avatars.page(ann)
    assert ([avatar.settings.slug for avatar in whole.avatars], whole.has_next) == (slugs, False)


async def test_a_page_tells_whether_there_is_an_account(ann: Context, bob: Context, avatar: Avatar) -> None:
    assert await avatars.page(bob) == avatars.AvatarPage([], has_next=False, has_account=False)
    await avatars.delete(ann, avatar.id)
    assert await avatars.page(ann) == avatars.AvatarPage([], has_next=False, has_account=True)


async def test_an_avatar_is_found_by_its_id_and_its_short_id(ann: Context, avatar: Avatar) -> None:
    assert await avatars.get(ann, avatar.short_id) == await avatars.get(ann, avatar.id)


async def test_another_owners_avatar_looks_like_none(ann: Context, bob: Context, avatar: Avatar) -> None:
    await avatars.create(bob, named("bobs"))
    for avatar_id in (avatar.id, avatar.short_id, "unknown"):
        with pytest.raises(NotFound):
            await avatars.get(bob, avatar_id)
        with pytest.raises(NotFound):
            await avatars.update(bob, avatar_id, {"name": "Eve"})
        with pytest.raises(NotFound):
            await avatars.delete(bob, avatar_id)
    assert await avatars.get(ann, avatar.id) == avatar


async def test_an_update_changes_only_what_was_sent(ann: Context, avatar: Avatar, clock: FakeClock) -> None:
    clock.advance(60)
    updated = await avatars.update(ann, avatar.id, {"voice_id": "nova", "quiz_mode": False})
    assert updated == replace(avatar, settings=replace(avatar.settings, voice_id="nova"), updated_at=clock.now())
    assert await avatars.get(ann, avatar.id) == updated


@pytest.mark.parametrize(
    "soul",
    [
        {"traits": ["kind"]},
        {"tone": "warm"},
        {"personality": "Calm."},
        {"name": "Eva"},
        {"tagline": "Tea!"},
        {"quiz_mode": True},
    ],
)
async def test_a_changed_soul_makes_a_new_system_prompt(ann: Context, avatar: Avatar, soul: dict[str, object]) -> None:
    updated = await avatars.update(ann, avatar.id, soul)
    assert updated.system_prompt == system_prompt(updated.settings) != avatar.system_prompt


async def test_an_update_that_breaks_a_rule_changes_nothing(ann: Context, avatar: Avatar) -> None:
    with pytest.raises(BadRequest):
        await avatars.update(ann, avatar.id, {"tone": "warm", "slug": "Not a slug"})
    assert await avatars.get(ann, avatar.id) == avatar


async def test_a_provider_key_is_sealed(ann: Context, vault: FakeVault) -> None:
    avatar = await avatars.create(ann, {**AVATAR, "ai_api_key": f" {OWN_KEY}\n"})
    assert avatar.ai_key
    assert (avatar.ai_key.last4, vault.open(avatar.ai_key)) == ("cdef", OWN_KEY)
    assert OWN_KEY not in repr(avatar)
    assert OWN_KEY not in avatar.ai_key.sealed


@pytest.mark.parametrize("nothing", [None, "", "  "])
async def test_a_provider_key_can_be_removed(ann: Context, nothing: str | None) -> None:
    avatar = await avatars.create(ann, {**AVATAR, "ai_api_key": OWN_KEY})
    assert (await avatars.update(ann, avatar.id, {"ai_api_key": nothing})).ai_key is None


@pytest.mark.parametrize(
    "change", [{"tone": "warm"}, {"ai_model": "llama"}, {"ai_provider": "groq"}, {"password": "x"}]
)
async def test_a_provider_key_stays_with_its_provider(
    ann: Context, vault: FakeVault, change: dict[str, object]
) -> None:
    avatar = await avatars.create(ann, {**AVATAR, "ai_api_key": OWN_KEY})
    assert await opened_key(vault, await avatars.update(ann, avatar.id, change)) == OWN_KEY


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({}, {"ai_provider": "openai"}),
        ({}, OWN_SERVER),
        (OWN_SERVER, {"ai_base_url": "https://evil.example/v1"}),
        (OWN_SERVER, {"ai_provider": "groq"}),
    ],
)
async def test_a_provider_key_reaches_no_other_address(
    ann: Context, vault: FakeVault, before: dict[str, object], change: dict[str, object]
) -> None:
    avatar = await avatars.create(ann, {**AVATAR, **before, "ai_api_key": OWN_KEY})
    assert await opened_key(vault, await avatars.update(ann, avatar.id, change)) is None
    back = {"ai_base_url": None, "ai_model": None, **before} if before else {"ai_provider": "groq"}
    assert await opened_key(vault, await avatars.update(ann, avatar.id, back)) is None


async def test_a_new_key_may_come_with_a_new_address(ann: Context, vault: FakeVault) -> None:
    avatar = await avatars.create(ann, {**AVATAR, "ai_api_key": OWN_KEY})
    moved = await avatars.update(ann, avatar.id, {**OWN_SERVER, "ai_api_key": "another-key"})
    assert await opened_key(vault, moved) == "another-key"


async def test_another_provider_forgets_the_model_of_the_first(ann: Context) -> None:
    avatar = await avatars.create(ann, {**AVATAR, "ai_model": "llama"})
    moved = await avatars.update(ann, avatar.id, {"ai_provider": "openai"})
    assert (moved.settings.ai_provider, moved.settings.ai_model) == (AiProvider.OPENAI, None)


@pytest.mark.parametrize("password", ["secret", " secret ", "   ", "x" * 200])
async def test_a_password_is_hashed_as_it_was_sent(ann: Context, password: str) -> None:
    avatar = await avatars.create(ann, {**AVATAR, "password": password})
    assert avatar.password_hash
    assert matches(password, avatar.password_hash)
    assert not matches(f"{password}x", avatar.password_hash)


@pytest.mark.parametrize("nothing", [None, ""])
async def test_a_password_stays_until_it_is_removed(ann: Context, nothing: str | None) -> None:
    avatar = await avatars.create(ann, {**AVATAR, "password": "secret"})
    assert (await avatars.update(ann, avatar.id, {"tone": "warm"})).password_hash == avatar.password_hash
    assert (await avatars.update(ann, avatar.id, {"password": nothing})).password_hash is None


@pytest.mark.parametrize(("name", "spelled"), [("password", "password"), ("ai_api_key", "aiApiKey")])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (7, "takes text or null"),
        ([], "takes text or null"),
        ("x" * 501, "can have at most"),
        ("a\x00", "cannot contain a NUL character"),
    ],
)
async def test_a_wrong_secret_is_named_as_callers_spell_it(
    ann: Context, name: str, spelled: str, value: object, reason: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        await avatars.create(ann, {**AVATAR, name: value})
    assert refused.value.details["field"] == spelled
    assert str(refused.value.details["reason"]).startswith(reason)


async def test_a_deleted_avatar_takes_its_conversations_with_it(
    ann: Context, stranger: Context, avatar: Avatar, store: Store, hello: str
) -> None:
    session_id = await started(stranger, avatar)
    sent = await chat.send(stranger, session_id, "Hi")
    await heard(stranger, sent.reply_id)
    assert await avatars.delete(ann, avatar.short_id) == avatar.id
    gone: list[type[AvatariumError]] = []
    for look in (avatars.get(ann, avatar.id), sessions.get(stranger, session_id), chat.stop(stranger, sent.reply_id)):
        with pytest.raises(NotFound) as missing:
            await look
        gone.append(missing.type)
    assert len(gone) == 3
    assert await store.read(lambda tx: tx.messages.by_id(sent.message.id)) is None


async def test_deleting_an_avatar_that_is_speaking_does_no_harm(
    ann: Context, stranger: Context, avatar: Avatar, hello: str
) -> None:
    sent = await chat.send(stranger, await started(stranger, avatar), "Hi")
    await avatars.delete(ann, avatar.id)
    assert done(await heard(stranger, sent.reply_id)).text == hello


async def test_strangers_see_an_open_avatar_and_each_look_counts(
    ann: Context, stranger: Context, avatar: Avatar
) -> None:
    for _ in range(3):
        assert (await avatars.public(stranger, avatar.short_id)).id == avatar.id
    assert (await avatars.get(ann, avatar.id)).view_count == 3


async def test_counting_views_is_no_update(ann: Context, stranger: Context, avatar: Avatar, clock: FakeClock) -> None:
    clock.advance(60)
    await avatars.public(stranger, avatar.short_id)
    await avatars.update(ann, avatar.id, {})
    assert (await avatars.get(ann, avatar.id)).view_count == 1


@pytest.mark.parametrize("change", [{"is_public": False}, {"status": "paused"}])
async def test_an_avatar_that_is_not_open_looks_like_none_but_to_its_owner(
    ann: Context, bob: Context, stranger: Context, avatar: Avatar, change: dict[str, object]
) -> None:
    await avatars.update(ann, avatar.id, change)
    for visitor in (stranger, bob):
        with pytest.raises(NotFound):
            await avatars.public(visitor, avatar.short_id)
        with pytest.raises(NotFound):
            await avatars.visible(visitor, avatar.short_id)
    assert (await avatars.public(ann, avatar.short_id)).id == avatar.id


@pytest.mark.parametrize("short_id", ["unknown", "", "ava"])
async def test_strangers_find_avatars_by_short_id_only(stranger: Context, avatar: Avatar, short_id: str) -> None:
    for key in (short_id, avatar.id, avatar.short_id.swapcase()):
        with pytest.raises(NotFound):
            await avatars.public(stranger, key)


async def test_which_pages_other_sites_may_frame(ann: Context, stranger: Context, avatar: Avatar) -> None:
    assert await avatars.may_embed(stranger, avatar.short_id)
    assert not await avatars.may_embed(stranger, "unknown")
    for change in ({"allow_embedding": False}, {"allow_embedding": True, "status": AvatarStatus.PAUSED}):
        await avatars.update(ann, avatar.id, change)
        assert not await avatars.may_embed(stranger, avatar.short_id)
