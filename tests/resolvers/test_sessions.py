"""Sessions from their start to their end."""

import asyncio

import pytest

from domain.avatars import Avatar
from domain.errors import BadRequest, InvalidPassword, NotFound, PasswordRequired, RateLimited, SessionEnded
from domain.sessions import LatencyStats, MessageStatus, Role, SessionReport, SessionSource, Visitor
from domain.tables import Store
from resolvers import avatars, chat, sessions
from resolvers.context import Context, Services
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels
from tests.resolvers.talk import AVATAR, FIRST, begun, caller, heard, said, started
from tests.resolvers.troubled_store import TroubledStore


@pytest.fixture
async def locked(ann: Context) -> Avatar:
    return await avatars.create(ann, {**AVATAR, "slug": "locked", "password": "secret"})


async def test_a_session_keeps_who_came_and_from_where(stranger: Context, avatar: Avatar, clock: FakeClock) -> None:
    begun = await sessions.start(
        stranger, avatar.short_id, visitor_name=" Ann ", visitor_email="ann@example.com", source="embed"
    )
    assert begun.avatar.settings.greeting == avatar.settings.greeting
    assert begun.session.visitor == Visitor("Ann", "ann@example.com")
    assert (begun.session.source, begun.session.started_at) == (SessionSource.EMBED, clock.now())
    assert (await sessions.get(stranger, begun.session.id)).session == begun.session


async def test_visitors_need_not_say_anything_of_themselves(stranger: Context, avatar: Avatar) -> None:
    begun = await sessions.start(stranger, avatar.short_id)
    assert (begun.session.visitor, begun.session.source) == (Visitor(), SessionSource.LINK)


async def test_every_session_counts_as_a_conversation(ann: Context, stranger: Context, avatar: Avatar) -> None:
    await started(stranger, avatar)
    await started(stranger, avatar)
    assert (await avatars.get(ann, avatar.id)).conversation_count == 2


@pytest.mark.parametrize("wrong", [{"source": "mars"}, {"visitor_email": "ann"}, {"visitor_name": "x" * 201}])
async def test_a_wrong_field_starts_nothing_and_does_not_count(
    ann: Context, stranger: Context, avatar: Avatar, wrong: dict[str, str]
) -> None:
    with pytest.raises(BadRequest):
        await sessions.start(stranger, avatar.short_id, **wrong)
    assert (await avatars.get(ann, avatar.id)).conversation_count == 0
    assert not stranger.hits


async def test_ten_sessions_a_minute(services: Services, avatar: Avatar, clock: FakeClock) -> None:
    visitor = caller(services, ip="192.0.2.7")
    for _ in range(10):
        await started(visitor, avatar)
    with pytest.raises(RateLimited) as refused:
        await started(visitor, avatar)
    assert refused.value.retry_after == 60
    assert await started(caller(services, ip="192.0.2.8"), avatar)
    clock.advance(60)
    assert await started(visitor, avatar)


async def test_sessions_with_an_avatar_that_is_not_open_are_its_owners(
    ann: Context, bob: Context, stranger: Context, avatar: Avatar
) -> None:
    await avatars.update(ann, avatar.id, {"is_public": False})
    for visitor in (stranger, bob):
        with pytest.raises(NotFound):
            await started(visitor, avatar)
    session_id = await started(ann, avatar)
    assert (await sessions.get(ann, session_id)).avatar.id == avatar.id
    with pytest.raises(NotFound):
        await sessions.get(stranger, session_id)


@pytest.mark.parametrize("password", [None, ""])
async def test_a_locked_avatar_asks_for_its_password(
    ann: Context, stranger: Context, locked: Avatar, password: str | None
) -> None:
    with pytest.raises(PasswordRequired):
        await sessions.start(stranger, locked.short_id, password=password)
    assert (await avatars.get(ann, locked.id)).conversation_count == 0


async def test_the_right_password_opens_a_locked_avatar(stranger: Context, locked: Avatar) -> None:
    assert await sessions.start(stranger, locked.short_id, password="secret")
    for wrong in ("Secret", "secret ", "secre"):
        with pytest.raises(InvalidPassword):
            await sessions.start(stranger, locked.short_id, password=wrong)


async def test_an_open_avatar_takes_any_password(stranger: Context, avatar: Avatar) -> None:
    assert await sessions.start(stranger, avatar.short_id, password="anything")
    await sessions.verify_password(stranger, avatar.short_id, "")


async def test_a_password_can_be_tried_without_a_session(ann: Context, stranger: Context, locked: Avatar) -> None:
    await sessions.verify_password(stranger, locked.short_id, "secret")
    with pytest.raises(InvalidPassword):
        await sessions.verify_password(stranger, locked.short_id, "wrong")
    with pytest.raises(NotFound):
        await sessions.verify_password(stranger, "unknown", "secret")
    assert (await avatars.get(ann, locked.id)).conversation_count == 0


async def test_five_passwords_a_minute_for_one_avatar(
    ann: Context, services: Services, locked: Avatar, clock: FakeClock
) -> None:
    guesser = caller(services, ip="192.0.2.7")
    other = await avatars.create(ann, {**AVATAR, "slug": "other", "password": "secret"})
    for _ in range(5):
        with pytest.raises(InvalidPassword):
            await sessions.verify_password(guesser, locked.short_id, "wrong")
    with pytest.raises(RateLimited):
        await sessions.verify_password(guesser, locked.short_id, "secret")
    with pytest.raises(RateLimited):
        await sessions.start(guesser, locked.short_id, password="secret")
    await sessions.verify_password(guesser, other.short_id, "secret")
    await sessions.verify_password(caller(services, ip="192.0.2.8"), locked.short_id, "secret")
    clock.advance(60)
    await sessions.verify_password(guesser, locked.short_id, "secret")


async def test_the_report_has_the_figures_of_the_conversation(
    stranger: Context, avatar: Avatar, models: ScriptedModels, clock: FakeClock
) -> None:
    session_id = await started(stranger, avatar)
    gates = [asyncio.Event() for _ in range(3)]
    for seconds, gate in zip((3, 1, 2), gates, strict=True):
        models.script(FIRST, "Hello ", gate, "there.")
        reply_id = await begun(stranger, session_id, f"Wait {seconds}")
        clock.advance(seconds)
        gate.set()
        await heard(stranger, reply_id)
    report = await sessions.end(stranger, session_id)
    assert report == SessionReport(session_id, question_count=3, latency=LatencyStats(p50=2000, p95=3000, avg=2000))


async def test_the_report_of_an_empty_session_is_zeros(stranger: Context, avatar: Avatar) -> None:
    session_id = await started(stranger, avatar)
    assert await sessions.end(stranger, session_id) == SessionReport(session_id, 0, LatencyStats(0, 0, 0))


async def test_ending_twice_gives_the_same_report(
    stranger: Context, avatar: Avatar, hello: str, clock: FakeClock
) -> None:
    session_id = await started(stranger, avatar)
    await chat.ask(stranger, session_id, "Hi")
    first = await sessions.end(stranger, session_id)
    ended_at = clock.now()
    clock.advance(3600)
    assert await sessions.end(stranger, session_id) == first
    assert (await sessions.get(stranger, session_id)).session.ended_at == ended_at


async def test_an_expired_session_can_still_be_ended(stranger: Context, avatar: Avatar, clock: FakeClock) -> None:
    session_id = await started(stranger, avatar)
    clock.advance(3600)
    assert (await sessions.end(stranger, session_id)).question_count == 0


async def test_ending_silences_the_avatar_and_whatever_waits(
    stranger: Context, avatar: Avatar, models: ScriptedModels, store: Store
) -> None:
    session_id = await started(stranger, avatar)
    models.script(FIRST, "Hello ", asyncio.Event(), "there.")
    await begun(stranger, session_id, "One")
    for content in ("Two", "Three"):
        await chat.send(stranger, session_id, content)
    report = await sessions.end(stranger, session_id)
    assert report == SessionReport(session_id, 3, LatencyStats(0, 0, 0))
    assert models.asked(FIRST) == 1
    assert [(words, status) for role, words, status in await said(store, session_id) if role == Role.ASSISTANT] == [
        ("Hello ", MessageStatus.INTERRUPTED),
        ("", MessageStatus.INTERRUPTED),
        ("", MessageStatus.INTERRUPTED),
    ]


async def test_nothing_can_be_said_while_a_session_ends(
    stranger: Context, avatar: Avatar, models: ScriptedModels, store: TroubledStore
) -> None:
    """Ending waits for the running reply to be stored, so a message might slip in."""
    session_id = await started(stranger, avatar)
    models.script(FIRST, "Hello ", asyncio.Event())
    await begun(stranger, session_id)
    store.hold()
    ending = asyncio.create_task(sessions.end(stranger, session_id))
    for _ in ("the session is ended", "its reply is stored"):
        await store.committed.wait()
        with pytest.raises(SessionEnded):
            await chat.send(stranger, session_id, "And?")
        store.release()
        store.hold()
    store.release()
    await ending
    assert MessageStatus.STREAMING not in {status for _, _, status in await said(store, session_id)}
    assert models.asked(FIRST) == 1


async def test_a_session_ends_only_through_its_own_avatar(ann: Context, stranger: Context, avatar: Avatar) -> None:
    other = await avatars.create(ann, {**AVATAR, "slug": "eva"})
    session_id = await started(stranger, avatar)
    for args in ((session_id, other.short_id), ("unknown", None), ("unknown", avatar.short_id)):
        with pytest.raises(NotFound):
            await sessions.end(stranger, *args)
    assert (await sessions.get(stranger, session_id)).session.ended_at is None
    assert await sessions.end(stranger, session_id, avatar.short_id)


async def test_messages_are_paged_oldest_first(stranger: Context, avatar: Avatar, hello: str) -> None:
    session_id = await started(stranger, avatar)
    for content in ("One", "Two"):
        await chat.ask(stranger, session_id, content)
    first = await sessions.messages(stranger, session_id, 3)
    rest = await sessions.messages(stranger, session_id, 3, first.messages[-1].id)
    assert [message.content for message in first.messages] == ["One", hello, "Two"]
    assert [message.content for message in rest.messages] == [hello]
    assert (first.has_next, rest.has_next) == (True, False)


async def test_a_message_is_known_by_its_id(stranger: Context, avatar: Avatar, hello: str) -> None:
    sent = await chat.send(stranger, await started(stranger, avatar), "Hi")
    assert await sessions.message(stranger, sent.message.id) == sent.message
    with pytest.raises(NotFound):
        await sessions.message(stranger, "unknown")
    with pytest.raises(NotFound):
        await sessions.get(stranger, "unknown")
