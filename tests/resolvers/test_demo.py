"""The demo avatar of a fresh server."""

from dataclasses import asdict

import pytest

from domain.avatars import Avatar, settings_from
from domain.souls import system_prompt
from domain.tables import Store
from resolvers import chat, sessions
from resolvers.context import Context
from resolvers.demo import DEMO_SHORT_ID, DEMO_SUBJECT, ensure_demo
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels
from tests.house import PUBLIC_URL, services
from tests.resolvers.indexed import all_done
from tests.resolvers.talk import started

MANUAL = [
    "# Embedding\n\nTo embed an avatar, do this. Put it into a frame.",
    "# Backup and restore\n\nKeep two things.",
]


async def demo(store: Store) -> Avatar:
    avatar = await store.read(lambda tx: tx.avatars.by_short_id(DEMO_SHORT_ID))
    assert avatar
    return avatar


@pytest.fixture
async def made(store: Store, clock: FakeClock) -> Avatar:
    await ensure_demo(store, clock, PUBLIC_URL)
    return await demo(store)


async def test_a_fresh_server_has_a_demo_avatar_that_is_open(made: Avatar, store: Store, clock: FakeClock) -> None:
    account = await store.read(lambda tx: tx.accounts.by_id(made.account_id))
    assert account
    assert account.subject == DEMO_SUBJECT
    assert made.is_open
    assert (made.created_at, made.system_prompt) == (clock.now(), system_prompt(made.settings))
    assert made.settings.avatar_model_url == f"{PUBLIC_URL}/presets/female-01.glb"


async def test_the_demo_avatar_keeps_every_rule(made: Avatar) -> None:
    assert settings_from(asdict(made.settings)) == made.settings


async def test_its_short_id_is_one(made: Avatar) -> None:
    assert len(made.short_id) == 11
    assert made.short_id.isalnum()


async def test_it_is_made_once(made: Avatar, store: Store, clock: FakeClock) -> None:
    clock.advance(60)
    await ensure_demo(store, clock, "https://elsewhere.example")
    assert await demo(store) == made
    assert await store.read(lambda tx: tx.avatars.count(made.account_id)) == 1


async def test_a_demo_avatar_that_was_deleted_stays_deleted(made: Avatar, store: Store, clock: FakeClock) -> None:
    await store.write(lambda tx: tx.avatars.delete(made.id))
    await ensure_demo(store, clock, PUBLIC_URL)
    assert await store.read(lambda tx: tx.avatars.by_short_id(DEMO_SHORT_ID)) is None


async def test_it_answers_from_the_manual_once_that_is_indexed(store: Store, clock: FakeClock) -> None:
    await ensure_demo(store, clock, PUBLIC_URL, MANUAL)
    made = await demo(store)
    items = await store.read(lambda tx: tx.knowledge.of_avatar(made.id))
    assert {item.title for item in items} == {"Embedding", "Backup and restore"}
    async with services(store=store, clock=clock, models=ScriptedModels(managed=())) as ports:
        await all_done(ports)
        visitor = Context(ports, "request", "address")
        answer = await chat.ask(visitor, await started(visitor, made), "How do I embed an avatar?")
    assert "Put it into a frame." in answer.text
    assert answer.sources[0].title == "Embedding"


async def test_the_manual_of_a_demo_avatar_that_is_there_is_left_alone(
    made: Avatar, store: Store, clock: FakeClock
) -> None:
    await ensure_demo(store, clock, PUBLIC_URL, MANUAL)
    assert await store.read(lambda tx: tx.knowledge.of_avatar(made.id)) == []


class TestWithoutKeys:
    @pytest.fixture
    def models(self) -> ScriptedModels:
        return ScriptedModels(managed=())

    async def test_it_greets_and_answers_with_no_keys_at_all(self, stranger: Context, made: Avatar) -> None:
        session = await sessions.start(stranger, DEMO_SHORT_ID)
        assert session.avatar.settings.greeting == made.settings.greeting
        answer = await chat.ask(stranger, await started(stranger, made), "Who are you?")
        assert answer.text.startswith("Hi, I am Ava!")
