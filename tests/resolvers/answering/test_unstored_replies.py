"""Replies that the database did not take when they ended."""

import asyncio

import pytest

from domain.avatars import Avatar
from domain.errors import Unavailable
from domain.sessions import MessageStatus
from resolvers import chat
from resolvers.answering import settling
from resolvers.context import Context
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels
from tests.resolvers.talk import FIRST, begun, done, failed, heard, recover, said, started, stored
from tests.resolvers.troubled_store import TroubledStore


@pytest.fixture
async def session_id(stranger: Context, avatar: Avatar) -> str:
    return await started(stranger, avatar)


@pytest.fixture
async def unstored(stranger: Context, session_id: str, models: ScriptedModels, store: TroubledStore) -> str:
    """The id of a reply that was spoken to its end while the database was down, which it still is."""
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    models.script(FIRST, "Found.")
    reply_id = await begun(stranger, session_id)
    store.broken = True
    gate.set()
    last = failed(await heard(stranger, reply_id))
    assert (last.code, last.retryable, last.seq) == ("SERVICE_UNAVAILABLE", True, 4)
    return reply_id


async def test_the_reply_is_stored_when_the_database_is_back(
    stranger: Context, unstored: str, store: TroubledStore, clock: FakeClock
) -> None:
    with pytest.raises(Unavailable):
        await stranger.services.turns.sweep()
    assert (await stored(store, unstored)).status is MessageStatus.STREAMING
    store.broken = False
    await stranger.services.turns.sweep()
    reply = await stored(store, unstored)
    assert (reply.content, reply.status) == ("Hello there.", MessageStatus.COMPLETE)
    assert failed(await heard(stranger, unstored)).code == "SERVICE_UNAVAILABLE"
    clock.advance(3600)
    await stranger.services.turns.sweep()
    assert done(await heard(stranger, unstored)).text == "Hello there."


async def test_it_is_stored_once(stranger: Context, unstored: str, store: TroubledStore) -> None:
    store.broken = False
    await stranger.services.turns.sweep()
    store.committed.clear()
    await stranger.services.turns.sweep()
    assert not store.committed.is_set()


async def test_a_shutdown_tries_once_more(stranger: Context, unstored: str, store: TroubledStore) -> None:
    store.broken = False
    await stranger.services.turns.close()
    assert (await stored(store, unstored)).content == "Hello there."


async def test_a_shutdown_without_the_database_ends(stranger: Context, unstored: str, store: TroubledStore) -> None:
    await stranger.services.turns.close()
    store.broken = False
    await recover(stranger.services)
    assert (await stored(store, unstored)).status is MessageStatus.INTERRUPTED


async def test_what_the_database_will_never_take_is_given_up(
    stranger: Context, unstored: str, store: TroubledStore
) -> None:
    store.refusal = ValueError("no such text")
    with pytest.raises(ValueError, match="no such text"):
        await stranger.services.turns.sweep()
    store.broken = False
    await stranger.services.turns.sweep()
    assert (await stored(store, unstored)).status is MessageStatus.STREAMING


async def test_only_so_many_are_kept(
    stranger: Context, avatar: Avatar, models: ScriptedModels, store: TroubledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "UNSTORED_MAX", 2)
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    replies = [await begun(stranger, await started(stranger, avatar)) for _ in range(3)]
    store.broken = True
    gate.set()
    for reply_id in replies:
        failed(await heard(stranger, reply_id))
    store.broken = False
    await stranger.services.turns.sweep()
    statuses = [(await stored(store, reply_id)).status for reply_id in replies]
    assert sorted(statuses) == [MessageStatus.COMPLETE, MessageStatus.COMPLETE, MessageStatus.STREAMING]


async def test_the_next_message_is_answered_after_the_database_is_back(
    stranger: Context, session_id: str, unstored: str, store: TroubledStore
) -> None:
    store.broken = False
    assert (await chat.ask(stranger, session_id, "And now?")).text == "Found."
    assert (await said(store, session_id))[-1] == ("assistant", "Found.", MessageStatus.COMPLETE)


async def test_a_message_that_waited_is_answered_while_nothing_can_be_read(
    stranger: Context, session_id: str, models: ScriptedModels, store: TroubledStore
) -> None:
    models.script(FIRST, "One ", gate := asyncio.Event(), "done.")
    models.script(FIRST, "Two done.")
    await begun(stranger, session_id, "One?")
    waiting = await chat.send(stranger, session_id, "Two?")
    store.unreadable = True
    gate.set()
    assert done(await heard(stranger, waiting.reply_id)).text == "Two done."
    assert [turn.content for turn in models.prompts[-1].utterances] == ["One?", "Two?"]
