"""What every store promises of avatars."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.accounts import Account
from domain.avatars import (
    AiProvider,
    Avatar,
    AvatarSettings,
    AvatarStatus,
    Body,
    QuizDifficulty,
    SealedKey,
    TtsProvider,
    VoiceGender,
)
from domain.errors import SlugTaken
from domain.tables import Store, Tx
from tests.builders import NOON, a_message, a_session, an_account, an_avatar, changed
from tests.contracts.conftest import Database

LATER = NOON + timedelta(minutes=1)
EVERY_SETTING = AvatarSettings(
    slug="ada-lovelace",
    name="Ada 🧮",
    avatar_model_url="https://example.com/ada.glb",
    tagline="First of her kind",
    avatar_preset="preset",
    avatar_body=Body.MALE,
    background_color="#102030",
    personality="Curious \U0001d11e",
    greeting="Grüß Gott 👩‍🚀",
    traits=("kind", "日本語", "𝔊"),
    tone="dry",
    voice_gender=VoiceGender.MALE,
    tts_provider=TtsProvider.BROWSER,
    voice_id="voice",
    voice_chat_enabled=True,
    ai_provider=AiProvider.CUSTOM,
    ai_model="model",
    ai_base_url="https://models.example.com/v1",
    is_public=False,
    allow_embedding=False,
    status=AvatarStatus.PAUSED,
    quiz_mode=True,
    quiz_difficulty=QuizDifficulty.HARD,
)


@pytest.fixture
async def account(store: Store) -> Account:
    account = an_account()
    await store.write(lambda tx: tx.accounts.add(account))
    return account


async def add(store: Store, *avatars: Avatar) -> None:
    def add(tx: Tx) -> None:
        for avatar in avatars:
            tx.avatars.add(avatar)

    await store.write(add)


async def stored(store: Store, avatar: Avatar) -> Avatar | None:
    return await store.read(lambda tx: tx.avatars.by_short_id(avatar.short_id))


async def test_every_field_comes_back_as_it_was(store: Store, account: Account) -> None:
    avatar = replace(
        an_avatar(account),
        settings=EVERY_SETTING,
        system_prompt="You are Ada.",
        updated_at=LATER,
        ai_key=SealedKey("sealed", "1234"),
        password_hash="hash",
        view_count=3,
        conversation_count=2**40,
        avatar_type="quiz",
    )
    plain = an_avatar(account)
    await add(store, avatar, plain)
    assert await stored(store, avatar) == avatar
    assert await stored(store, plain) == plain


async def test_an_owner_finds_it_by_id_and_by_short_id(store: Store, account: Account) -> None:
    avatar = an_avatar(account)
    await add(store, avatar)
    keys = (avatar.id, avatar.short_id, avatar.settings.slug)
    for owner, expected in ((account.id, [avatar, avatar, None]), ("somebody else", [None, None, None])):
        assert await store.read(lookups(owner, keys)) == expected


def lookups(owner: str, keys: Sequence[str]) -> Callable[[Tx], list[Avatar | None]]:
    return lambda tx: [tx.avatars.by_id(owner, key) for key in keys]


async def test_short_ids_differ_by_case(store: Store, account: Account, database: Database) -> None:
    lower, upper = an_avatar(account, short_id="abcdefghijk"), an_avatar(account, short_id="ABCDEFGHIJK")
    await add(store, lower, upper)
    assert await stored(store, lower) == lower
    assert await stored(store, upper) == upper
    with pytest.raises(database.refusal):
        await add(store, an_avatar(account, short_id="abcdefghijk"))


async def test_a_slug_is_taken_on_the_whole_server(store: Store, account: Account) -> None:
    foreign_account = an_account()
    await store.write(lambda tx: tx.accounts.add(foreign_account))
    await add(store, an_avatar(account, slug="ada"))
    for owner in (account, foreign_account):
        with pytest.raises(SlugTaken, match=r"ada.*[Cc]hoose another"):
            await add(store, an_avatar(owner, slug="ada"))


async def test_after_a_taken_slug_the_transaction_goes_on(store: Store, account: Account) -> None:
    first, second, third = (an_avatar(account, slug=slug) for slug in ("ada", "ada", "grace"))
    await add(store, first)

    def choose_another(tx: Tx) -> None:
        with pytest.raises(SlugTaken):
            tx.avatars.add(second)
        tx.avatars.add(third)
        with pytest.raises(SlugTaken):
            tx.avatars.update(changed(third, slug="ada"))

    await store.write(choose_another)
    assert await stored(store, second) is None
    assert await stored(store, third) == third


async def test_of_those_who_race_for_a_slug_one_gets_it(store: Store, account: Account) -> None:
    racers = [an_avatar(account, slug="ada") for _ in range(20)]
    answers = await asyncio.gather(*[add(store, racer) for racer in racers], return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType"] + ["SlugTaken"] * 19
    assert await store.read(lambda tx: tx.avatars.count(account.id)) == 1


async def test_a_freed_slug_can_be_taken(store: Store, account: Account) -> None:
    avatar, other = an_avatar(account, slug="ada"), an_avatar(account, slug="ada")
    await add(store, avatar)
    await store.write(lambda tx: tx.avatars.update(changed(avatar, slug="grace")))
    await add(store, other)
    assert await stored(store, other) == other


async def test_update_stores_all_but_the_counters(store: Store, account: Account) -> None:
    avatar = an_avatar(account)
    await add(store, avatar, bystander := an_avatar(account))
    await store.write(lambda tx: tx.avatars.count_view(avatar.id))
    await store.write(lambda tx: tx.avatars.count_conversation(avatar.id))
    await store.write(lambda tx: tx.avatars.count_conversation(avatar.id))
    new = replace(
        avatar, settings=EVERY_SETTING, system_prompt="New", updated_at=LATER, view_count=77,
        ai_key=SealedKey("sealed", "1234"), password_hash="hash", conversation_count=77,
    )  # fmt: skip
    await store.write(lambda tx: tx.avatars.update(new))
    assert await stored(store, avatar) == replace(new, view_count=1, conversation_count=2)
    assert await stored(store, bystander) == bystander


async def test_changes_of_one_avatar_at_once_all_count(store: Store, account: Account) -> None:
    """As when an owner's two tabs save: each change is made to what the one before left."""
    avatar = an_avatar(account, personality="")
    await add(store, avatar)

    def append(letter: str) -> Callable[[Tx], None]:
        def append(tx: Tx) -> None:
            found = tx.avatars.by_id(account.id, avatar.id)
            assert found is not None
            tx.avatars.update(changed(found, personality=found.settings.personality + letter))

        return append

    await asyncio.gather(*[store.write(append(letter)) for letter in "abcdefghijklmnop"])
    found = await stored(store, avatar)
    assert found is not None
    assert sorted(found.settings.personality) == list("abcdefghijklmnop")


async def test_update_keeps_its_own_slug_and_clears_what_is_gone(store: Store, account: Account) -> None:
    avatar = an_avatar(account, ai_key=SealedKey("sealed", "1234"), password_hash="hash", tagline="Hi")
    await add(store, avatar)
    bare = changed(avatar, ai_key=None, password_hash=None, tagline=None)
    await store.write(lambda tx: tx.avatars.update(bare))
    assert await stored(store, avatar) == bare


async def test_update_of_a_deleted_avatar_changes_nothing(store: Store, account: Account) -> None:
    avatar = an_avatar(account)
    await store.write(lambda tx: tx.avatars.update(avatar))
    assert await stored(store, avatar) is None


async def test_pages_run_from_newest_to_oldest(store: Store, account: Account) -> None:
    avatars = [an_avatar(account, created_at=NOON + timedelta(microseconds=index // 2)) for index in range(6)]
    await add(store, *avatars)
    expected = sorted(avatars, key=lambda avatar: (avatar.created_at, avatar.id), reverse=True)

    def pages(tx: Tx) -> list[Avatar]:
        found = page = tx.avatars.page(account.id, 2, None)
        while page:
            page = tx.avatars.page(account.id, 2, page[-1].id)
            found = found + page
        return found

    assert await store.read(pages) == expected
    assert await store.read(lambda tx: tx.avatars.page(account.id, 100, None)) == expected
    assert await store.read(lambda tx: tx.avatars.count(account.id)) == 6


async def test_edges_of_pages(store: Store, account: Account) -> None:
    foreign_account = an_account()
    await store.write(lambda tx: tx.accounts.add(foreign_account))
    avatar, foreign = an_avatar(account), an_avatar(foreign_account, created_at=LATER)
    await add(store, avatar, foreign)
    ends = (avatar.id, "unknown", foreign.id, "")
    assert await store.read(lambda tx: [tx.avatars.page(account.id, 5, after) for after in ends]) == [[]] * 4
    assert await store.read(lambda tx: tx.avatars.page(account.id, 0, None)) == []
    assert await store.read(lambda tx: tx.avatars.page("nobody", 5, None)) == []
    assert await store.read(lambda tx: tx.avatars.count("nobody")) == 0


async def test_deleting_takes_its_sessions_and_messages_along(store: Store, account: Account) -> None:
    avatar, kept = an_avatar(account), an_avatar(account)
    sessions = [a_session(avatar), a_session(avatar), a_session(kept)]
    messages = [a_message(session) for session in sessions]

    def fill(tx: Tx) -> None:
        for one in (avatar, kept):
            tx.avatars.add(one)
        for session in sessions:
            tx.sessions.add(session)
        for message in messages:
            tx.messages.add(message)

    await store.write(fill)
    await store.write(lambda tx: tx.avatars.delete(avatar.id))
    assert await stored(store, avatar) is None
    assert await stored(store, kept) == kept
    left = await store.read(lambda tx: [tx.sessions.by_id(session.id) for session in sessions])
    assert left == [None, None, sessions[2]]
    words = await store.read(lambda tx: [tx.messages.by_id(message.id) for message in messages])
    assert words == [None, None, messages[2]]
    await store.write(lambda tx: tx.avatars.delete("unknown"))


async def test_a_change_before_the_avatar_fails_as_itself(store: Store, database: Database) -> None:
    """A slug is blamed for nothing that came before it in the same transaction."""
    account, avatar = an_account(), an_avatar(an_account())

    def add_twice(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.accounts.add(account)
        tx.avatars.add(avatar)

    with pytest.raises(database.refusal):
        await store.write(add_twice)
