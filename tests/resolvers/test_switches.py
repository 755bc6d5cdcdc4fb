"""What an owner switches off, and a password, reach conversations that are under way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from domain.avatars import Avatar
from domain.errors import Forbidden, NotFound, PasswordRequired, Unavailable
from domain.sessions import MessageStatus, SessionSource
from resolvers import avatars, chat, sessions
from resolvers.context import Context, Services
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels
from tests.resolvers.talk import FIRST, begun, caller, done, heard, started, stored, until_it_speaks
from tests.resolvers.troubled_store import TroubledStore

Look = Callable[[Context], Awaitable[object]]


def looks(session_id: str, message_id: str, reply_id: str) -> dict[str, Look]:
    """Everything that can be asked of a session, one by one."""
    return {
        "get": lambda ctx: sessions.get(ctx, session_id),
        "messages": lambda ctx: sessions.messages(ctx, session_id, 10),
        "message": lambda ctx: sessions.message(ctx, message_id),
        "reply": lambda ctx: sessions.message(ctx, reply_id),
        "stop": lambda ctx: chat.stop(ctx, reply_id),
        "end": lambda ctx: sessions.end(ctx, session_id),
        "send": lambda ctx: chat.send(ctx, session_id, "And?"),
    }


LOOKS = looks("", "", "")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("change", [{"is_public": False}, {"status": "paused"}], ids=["private", "paused"])
async def test_an_avatar_that_is_no_longer_open_is_its_owners_alone(
    ann: Context, bob: Context, stranger: Context, avatar: Avatar, hello: str, look: str, change: dict[str, object]
) -> None:
    session_id = await started(stranger, avatar)
    sent = await chat.send(stranger, session_id, "Hi")
    await heard(stranger, sent.reply_id)
    ask = looks(session_id, sent.message.id, sent.reply_id)[look]
    await avatars.update(ann, avatar.id, change)
    for visitor in (stranger, bob):
        with pytest.raises(NotFound):
            await ask(visitor)
    assert await ask(ann)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("where", ["another site", "a frame"])
async def test_one_that_may_no_longer_be_embedded_is_met_at_home_alone(
    ann: Context, services: Services, avatar: Avatar, hello: str, look: str, where: str
) -> None:
    home = caller(services)
    away = replace(caller(services), foreign_site="https://shop.example" if where == "another site" else None)
    begun = await sessions.start(away, avatar.short_id, source="embed" if where == "a frame" else "link")
    sent = await chat.send(away, begun.session.id, "Hi")
    await heard(away, sent.reply_id)
    ask = looks(begun.session.id, sent.message.id, sent.reply_id)[look]
    await avatars.update(ann, avatar.id, {"allow_embedding": False})
    with pytest.raises(Forbidden):
        await ask(away)
    assert await sessions.start(home, avatar.short_id)


@pytest.mark.parametrize("source", SessionSource)
async def test_where_embedding_is_off_no_frame_starts_a_session(
    ann: Context, stranger: Context, avatar: Avatar, source: SessionSource
) -> None:
    await avatars.update(ann, avatar.id, {"allow_embedding": False})
    assert await sessions.start(ann, avatar.short_id, source=source)
    if source in ("embed", "widget"):
        with pytest.raises(Forbidden):
            await sessions.start(stranger, avatar.short_id, source=source)
    else:
        assert await sessions.start(stranger, avatar.short_id, source=source)


@pytest.mark.parametrize(
    ("before", "after"), [(None, "new"), ("old", "new"), ("same", "same")], ids=["set", "changed", "set again"]
)
async def test_a_password_is_asked_for_at_the_next_message(
    ann: Context, stranger: Context, avatar: Avatar, hello: str, before: str | None, after: str
) -> None:
    await avatars.update(ann, avatar.id, {"password": before})
    old = (await sessions.start(stranger, avatar.short_id, password=before)).session.id
    await chat.ask(stranger, old, "Hi")
    await avatars.update(ann, avatar.id, {"password": after})
    with pytest.raises(PasswordRequired):
        await chat.send(stranger, old, "And?")
    new = (await sessions.start(stranger, avatar.short_id, password=after)).session.id
    assert await chat.send(stranger, new, "And?")


async def test_neither_another_change_nor_a_password_that_is_taken_away_ends_a_session(
    ann: Context, stranger: Context, avatar: Avatar, hello: str
) -> None:
    await avatars.update(ann, avatar.id, {"password": "secret"})
    session_id = (await sessions.start(stranger, avatar.short_id, password="secret")).session.id
    for change in ({"name": "Eva"}, {"password": None}):
        await avatars.update(ann, avatar.id, change)
        assert await chat.send(stranger, session_id, "And?")


async def test_a_reply_that_is_being_spoken_is_heard_to_its_end(
    ann: Context, stranger: Context, avatar: Avatar, models: ScriptedModels
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    sent = await chat.send(stranger, await started(stranger, avatar), "Hi")
    events = chat.follow(stranger, sent.reply_id)
    await until_it_speaks(events)
    await avatars.update(ann, avatar.id, {"is_public": False, "password": "secret"})
    gate.set()
    assert done([event async for event in events]).text == "Hello there."


async def test_a_reply_that_only_the_database_knows_is_not_told_to_strangers(
    ann: Context, stranger: Context, avatar: Avatar, hello: str, services: Services, clock: FakeClock
) -> None:
    sent = await chat.send(stranger, await started(stranger, avatar), "Hi")
    await heard(stranger, sent.reply_id)
    clock.advance(3600)
    await services.replies.discard_old()
    assert not await services.replies.has(sent.reply_id)
    await avatars.update(ann, avatar.id, {"is_public": False})
    with pytest.raises(NotFound):
        await heard(stranger, sent.reply_id)
    assert done(await heard(ann, sent.reply_id)).text == hello


async def test_a_reply_is_not_stopped_by_a_stranger_who_may_not_meet_the_avatar(
    ann: Context, stranger: Context, avatar: Avatar, models: ScriptedModels, store: TroubledStore
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    reply_id = await begun(stranger, await started(stranger, avatar))
    await avatars.update(ann, avatar.id, {"is_public": False})
    with pytest.raises(NotFound):
        await chat.stop(stranger, reply_id)
    gate.set()
    await heard(stranger, reply_id)
    assert (await stored(store, reply_id)).status is MessageStatus.COMPLETE


async def test_a_reply_can_be_silenced_while_the_database_answers_nothing(
    stranger: Context, avatar: Avatar, models: ScriptedModels, store: TroubledStore
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event(), "there.")
    reply_id = await begun(stranger, await started(stranger, avatar))
    store.unreadable = True
    with pytest.raises(Unavailable):
        await chat.stop(stranger, reply_id)
    store.unreadable = False
    assert (await stored(store, reply_id)).status is MessageStatus.INTERRUPTED
