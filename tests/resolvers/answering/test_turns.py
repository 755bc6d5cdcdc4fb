"""A turn while it runs: who keeps it alive, what ends it, and what is stored of it."""

import asyncio
from contextlib import aclosing

import pytest

from domain.ai.prompts import Utterance
from domain.avatars import Avatar
from domain.errors import Unavailable
from domain.reply.events import EmotionChanged, ReplyChunk, ReplyDone, ReplyStarted
from domain.sessions import SERVER_LEASE, Latency, MessageStatus, Role
from domain.tables import Store, Tx
from resolvers import chat
from resolvers.answering.settling import Settling
from resolvers.answering.turns import UNHEARD_LIMIT
from resolvers.context import Context, Services
from tests.builders import a_message, a_reply
from tests.fakes.clock import START, FakeClock
from tests.fakes.models import ScriptedModels
from tests.resolvers.talk import (
    FIRST,
    begun,
    done,
    failed,
    heard,
    recover,
    started,
    stored,
    text_of,
    until_it_speaks,
)
from tests.resolvers.troubled_store import TroubledStore


@pytest.fixture
async def session_id(stranger: Context, avatar: Avatar) -> str:
    return await started(stranger, avatar)


async def test_the_events_of_a_whole_reply(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, clock: FakeClock
) -> None:
    models.script(FIRST, "[happy] Hello ", gate := asyncio.Event(), "there.")
    sent = await chat.send(stranger, session_id, "Hi")
    async with aclosing(chat.follow(stranger, sent.reply_id)) as events:
        assert await until_it_speaks(events) == ReplyChunk(sent.reply_id, 3, "Hello ")
        clock.advance(1.234)
        gate.set()
        assert await anext(events) == ReplyChunk(sent.reply_id, 4, "there.")
        assert await anext(events) == ReplyDone(sent.reply_id, 5, await stored(store, sent.reply_id))
    assert (await heard(stranger, sent.reply_id))[:2] == [
        ReplyStarted(sent.reply_id, 1),
        EmotionChanged(sent.reply_id, 2, "happy"),
    ]


async def test_what_is_stored_of_a_whole_reply(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, clock: FakeClock
) -> None:
    models.script(FIRST, "[happy] Hello ", gate := asyncio.Event(), "there.")
    at = clock.now()
    reply_id = await begun(stranger, session_id)
    clock.advance(1.234)
    gate.set()
    await heard(stranger, reply_id)
    reply = await stored(store, reply_id)
    assert (reply.content, reply.status, reply.role) == ("Hello there.", MessageStatus.COMPLETE, Role.ASSISTANT)
    assert (reply.emotion, reply.model, reply.created_at) == ("happy", FIRST, at)
    assert (reply.latency, reply.timeline) == (Latency(1234, 1234), '[["emotion","happy"],6,6]')


async def test_nothing_is_said_to_be_done_before_it_is_stored(
    stranger: Context, session_id: str, models: ScriptedModels, store: TroubledStore
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    sent = await chat.send(stranger, session_id, "Hi")
    async with aclosing(chat.follow(stranger, sent.reply_id)) as events:
        await until_it_speaks(events)
        store.hold()
        gate.set()
        assert await anext(events) == ReplyChunk(sent.reply_id, 3, "there.")
        ending = asyncio.ensure_future(anext(events))
        await store.committed.wait()
        assert not ending.done()
        store.release()
        assert isinstance(await ending, ReplyDone)


async def test_the_emotion_of_a_reply_is_its_last(stranger: Context, session_id: str, models: ScriptedModels) -> None:
    models.script(FIRST, "[sa", "d]", " Oh. ", "[unknown] [", "happy] ", "Well", " [hap")
    sent = await chat.send(stranger, session_id, "Hi")
    events = await heard(stranger, sent.reply_id)
    assert [event.emotion for event in events if isinstance(event, EmotionChanged)] == ["sad", "happy"]
    assert done(events).text == text_of(events) == "Oh. [unknown] Well [hap"
    assert done(events).emotion == "happy"


async def test_a_neutral_reply_changes_no_emotion(stranger: Context, session_id: str, models: ScriptedModels) -> None:
    models.script(FIRST, "[neutral] Hello.")
    events = await heard(stranger, (await chat.send(stranger, session_id, "Hi")).reply_id)
    assert not [event for event in events if isinstance(event, EmotionChanged)]
    assert (done(events).text, done(events).emotion) == ("Hello.", "neutral")


async def test_stopping_keeps_what_was_said(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "Hello ", "the", asyncio.Event(), "re.")
    reply_id = await begun(stranger, session_id)
    message = await chat.stop(stranger, reply_id)
    assert (message.status, message.model) == (MessageStatus.INTERRUPTED, FIRST)
    assert message == await stored(store, reply_id)
    events = await heard(stranger, reply_id)
    assert done(events).interrupted
    assert done(events).text == text_of(events) == message.content == "Hello the"
    assert models.closed == 1


async def test_stopping_before_the_first_word(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, asyncio.Event())
    sent = await chat.send(stranger, session_id, "Hi")
    message = await chat.stop(stranger, sent.reply_id)
    assert (message.content, message.status, message.model) == ("", MessageStatus.INTERRUPTED, None)
    assert done(await heard(stranger, sent.reply_id)).interrupted


async def test_a_turn_outlives_whoever_asked_for_it(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    asking = asyncio.create_task(chat.ask(stranger, session_id, "Hi", client_message_id="1"))
    reply_id = await begun(stranger, session_id, "Hi", "1")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    gate.set()
    assert done(await heard(stranger, reply_id)).text == "Hello there."


async def test_a_turn_that_nobody_hears_is_stopped_after_a_while(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, clock: FakeClock
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event(), "there.")
    reply_id = await begun(stranger, session_id)
    turns = stranger.services.turns
    clock.advance(UNHEARD_LIMIT - 1)
    await turns.sweep()
    assert (await stored(store, reply_id)).status is MessageStatus.STREAMING
    clock.advance(1)
    await turns.sweep()
    reply = await stored(store, reply_id)
    assert (reply.content, reply.status) == ("Hello ", MessageStatus.INTERRUPTED)
    assert models.closed == 1


async def test_a_turn_that_nobody_ever_heard_is_stopped_too(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, clock: FakeClock
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event())
    sent = await chat.send(stranger, session_id, "Hi")
    clock.advance(UNHEARD_LIMIT)
    await stranger.services.turns.sweep()
    assert (await stored(store, sent.reply_id)).status is MessageStatus.INTERRUPTED


async def test_a_listener_keeps_a_turn_alive(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, clock: FakeClock
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    sent = await chat.send(stranger, session_id, "Hi")
    async with aclosing(chat.follow(stranger, sent.reply_id)) as events:
        await until_it_speaks(events)
        for _ in range(3):
            clock.advance(UNHEARD_LIMIT)
            await stranger.services.turns.sweep()
        assert (await stored(store, sent.reply_id)).status is MessageStatus.STREAMING
        gate.set()
        assert text_of([event async for event in events]) == "there."


async def test_a_listener_that_comes_back_in_time_keeps_a_turn_alive(
    stranger: Context, session_id: str, models: ScriptedModels, clock: FakeClock
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    reply_id = await begun(stranger, session_id)
    clock.advance(UNHEARD_LIMIT - 1)
    async with aclosing(chat.follow(stranger, reply_id)) as events:
        await anext(events)
    clock.advance(UNHEARD_LIMIT - 1)
    await stranger.services.turns.sweep()
    gate.set()
    assert done(await heard(stranger, reply_id)).text == "Hello there."


async def test_a_sweep_forgets_old_logs(
    stranger: Context, session_id: str, hello: str, clock: FakeClock, services: Services
) -> None:
    sent = await chat.send(stranger, session_id, "Hi")
    await heard(stranger, sent.reply_id)
    assert await services.replies.has(sent.reply_id)
    clock.advance(3600)
    await services.turns.sweep()
    assert not await services.replies.has(sent.reply_id)


async def test_messages_of_one_session_are_answered_one_after_the_other(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "One ", gate := asyncio.Event(), "done.")
    models.script(FIRST, "Two done.")
    models.script(FIRST, "Three done.")
    first = await begun(stranger, session_id, "One?")
    second = await chat.send(stranger, session_id, "Two?")
    third = await chat.send(stranger, session_id, "Three?")
    assert models.asked(FIRST) == 1
    gate.set()
    for reply_id, text in ((first, "One done."), (second.reply_id, "Two done."), (third.reply_id, "Three done.")):
        assert done(await heard(stranger, reply_id)).text == text
    one, two = Utterance(Role.USER, "One?"), Utterance(Role.USER, "Two?")
    assert [prompt.utterances for prompt in models.prompts] == [
        (one,),
        (one, Utterance(Role.ASSISTANT, "One done."), two),
        (
            one,
            Utterance(Role.ASSISTANT, "One done."),
            two,
            Utterance(Role.ASSISTANT, "Two done."),
            Utterance(Role.USER, "Three?"),
        ),
    ]


async def test_sessions_do_not_wait_for_each_other(
    stranger: Context, avatar: Avatar, session_id: str, models: ScriptedModels
) -> None:
    models.script(FIRST, "One ", asyncio.Event())
    models.script(FIRST, "Two done.")
    await begun(stranger, session_id, "One?")
    other = await chat.ask(stranger, await started(stranger, avatar), "Two?")
    assert other.text == "Two done."


async def test_stopping_the_reply_that_is_spoken_lets_the_next_begin(
    stranger: Context, session_id: str, models: ScriptedModels
) -> None:
    models.script(FIRST, "One ", asyncio.Event())
    models.script(FIRST, "Two done.")
    first = await begun(stranger, session_id, "One?")
    second = await chat.send(stranger, session_id, "Two?")
    await chat.stop(stranger, first)
    assert done(await heard(stranger, second.reply_id)).text == "Two done."
    assert models.prompts[1].utterances[1] == Utterance(Role.ASSISTANT, "One ")


async def test_stopping_a_reply_that_waits_lets_none_behind_it_jump_the_queue(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "One ", gate := asyncio.Event(), "done.")
    models.script(FIRST, "Three done.")
    first = await begun(stranger, session_id, "One?")
    second = await chat.send(stranger, session_id, "Two?")
    third = await chat.send(stranger, session_id, "Three?")
    assert (await chat.stop(stranger, second.reply_id)).content == ""
    gate.set()
    await heard(stranger, third.reply_id)
    assert (await stored(store, first)).content == "One done."
    assert [prompt.utterances for prompt in models.prompts][1] == (
        Utterance(Role.USER, "One?"),
        Utterance(Role.ASSISTANT, "One done."),
        Utterance(Role.USER, "Two?"),
        Utterance(Role.USER, "Three?"),
    )


async def test_a_shutdown_stores_what_was_said(
    stranger: Context, avatar: Avatar, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event(), "there.")
    speaking = [await begun(stranger, session_id), await begun(stranger, await started(stranger, avatar))]
    waiting = await chat.send(stranger, session_id, "And?")
    await stranger.services.turns.close()
    for reply_id, content in ((speaking[0], "Hello "), (speaking[1], "Hello "), (waiting.reply_id, "")):
        reply = await stored(store, reply_id)
        assert (reply.content, reply.status) == (content, MessageStatus.INTERRUPTED)
        assert done(await heard(stranger, reply_id)).interrupted


async def test_a_shutdown_waits_for_a_message_that_is_being_sent(
    stranger: Context, session_id: str, models: ScriptedModels, store: TroubledStore
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event())
    store.hold()
    sending = asyncio.create_task(chat.send(stranger, session_id, "Hi"))
    await store.committed.wait()
    closing = asyncio.create_task(stranger.services.turns.close())
    store.release()
    await closing
    assert (await stored(store, (await sending).reply_id)).status is MessageStatus.INTERRUPTED


async def test_a_shutdown_does_not_wait_for_a_database_that_is_stuck(
    stranger: Context, session_id: str, models: ScriptedModels, store: TroubledStore
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event())
    reply_id = await begun(stranger, session_id)
    store.hold()
    sending = asyncio.create_task(chat.send(stranger, session_id, "Hi"))
    await store.committed.wait()
    await stranger.services.turns.close(0.05)
    assert models.closed == 1
    store.release()
    await sending
    await stranger.services.turns.close()
    assert (await stored(store, reply_id)).status is MessageStatus.INTERRUPTED


async def test_running_recovers_first_and_stops_everything_last(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, clock: FakeClock
) -> None:
    left = await left_by_a_crash(store, session_id)
    clock.advance(SERVER_LEASE.total_seconds())
    models.script(FIRST, "Hello ", asyncio.Event())
    async with stranger.services.turns.running():
        assert (await stored(store, left)).status is MessageStatus.INTERRUPTED
        reply_id = await begun(stranger, session_id)
    assert (await stored(store, reply_id)).status is MessageStatus.INTERRUPTED


async def left_by_a_crash(store: Store, session_id: str) -> str:
    """The id of a reply that another process was speaking when it died."""
    session = await store.read(lambda tx: tx.sessions.by_id(session_id))
    assert session
    message = a_message(session)
    reply = a_reply(message, created_at=START)

    def add(tx: Tx) -> None:
        tx.messages.add(message)
        tx.messages.add(reply)

    await store.write(add)
    return reply.id


@pytest.mark.parametrize("after_seq", [0, 1, 57])
async def test_a_reply_that_a_crash_cut_off_is_over_for_whoever_asks(
    stranger: Context, session_id: str, store: Store, after_seq: int
) -> None:
    reply_id = await left_by_a_crash(store, session_id)
    await recover(stranger.services)
    last = done(await heard(stranger, reply_id, after_seq))
    assert (last.text, last.interrupted) == ("", True)
    assert last.seq > after_seq


async def test_recovering_leaves_replies_that_are_over_alone(
    stranger: Context, session_id: str, store: Store, hello: str
) -> None:
    sent = await chat.send(stranger, session_id, "Hi")
    await heard(stranger, sent.reply_id)
    before = await stored(store, sent.reply_id)
    await recover(stranger.services)
    assert await stored(store, sent.reply_id) == before


async def test_turns_that_nobody_hears_are_stopped_while_the_database_is_down(
    stranger: Context, avatar: Avatar, models: ScriptedModels, store: TroubledStore, clock: FakeClock
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event(), "there.")
    unheard = await begun(stranger, await started(stranger, avatar))
    clock.advance(UNHEARD_LIMIT)
    await begun(stranger, await started(stranger, avatar))
    store.broken = True
    with pytest.raises(Unavailable, match="disk full"):
        await stranger.services.turns.sweep()
    assert models.closed == 1
    assert failed(await heard(stranger, unheard)).code == "SERVICE_UNAVAILABLE"


async def test_a_crash_keeps_what_was_said_before_the_last_sweep(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    reply_id = await begun(stranger, session_id)
    await stranger.services.turns.sweep()
    draft = await stored(store, reply_id)
    assert (draft.content, draft.status) == ("Hello ", MessageStatus.STREAMING)
    await recover(stranger.services)
    closed = await stored(store, reply_id)
    assert (closed.content, closed.status) == ("Hello ", MessageStatus.INTERRUPTED)
    gate.set()


async def test_a_conversation_goes_on_after_a_crash(
    stranger: Context, session_id: str, store: Store, hello: str
) -> None:
    await left_by_a_crash(store, session_id)
    await recover(stranger.services)
    assert (await chat.ask(stranger, session_id, "Still there?")).text == hello


async def test_a_second_server_leaves_the_replies_of_a_living_one_alone(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, clock: FakeClock
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    reply_id = await begun(stranger, session_id)
    another = Settling(clock, store)
    for _ in range(6):
        clock.advance(SERVER_LEASE.total_seconds() - 1)
        await stranger.services.turns.sweep()
        await another.recover()
    gate.set()
    assert done(await heard(stranger, reply_id)).text == "Hello there."
    assert (await stored(store, reply_id)).status is MessageStatus.COMPLETE


async def test_the_replies_of_a_server_that_died_are_closed_by_another(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, clock: FakeClock
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event())
    reply_id = await begun(stranger, session_id)
    await stranger.services.turns.sweep()
    clock.advance(SERVER_LEASE.total_seconds())
    await Settling(clock, store).recover()
    reply = await stored(store, reply_id)
    assert (reply.content, reply.status) == ("Hello ", MessageStatus.INTERRUPTED)


async def test_a_sweep_closes_what_other_servers_left(
    stranger: Context, session_id: str, store: Store, clock: FakeClock
) -> None:
    left = await left_by_a_crash(store, session_id)
    await stranger.services.turns.sweep()
    assert (await stored(store, left)).status is MessageStatus.STREAMING
    clock.advance(SERVER_LEASE.total_seconds())
    await stranger.services.turns.sweep()
    assert (await stored(store, left)).status is MessageStatus.INTERRUPTED


async def test_whoever_follows_a_reply_that_was_left_hears_how_it_ended(
    stranger: Context, session_id: str, store: Store, clock: FakeClock
) -> None:
    left = await left_by_a_crash(store, session_id)
    following = asyncio.create_task(heard(stranger, left, after_seq=7))
    await stranger.services.turns.sweep()
    clock.advance(SERVER_LEASE.total_seconds())
    while not following.done():
        await stranger.services.turns.sweep()
    assert done(await following).interrupted


async def test_whoever_follows_while_the_server_stops_is_not_kept(
    stranger: Context, session_id: str, store: Store
) -> None:
    left = await left_by_a_crash(store, session_id)
    following = asyncio.create_task(heard(stranger, left))
    await stranger.services.turns.close()
    assert failed(await following).retryable


async def test_only_drafts_that_changed_are_stored(
    stranger: Context, session_id: str, models: ScriptedModels, store: TroubledStore
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event())
    reply_id = await begun(stranger, session_id)
    await stranger.services.turns.sweep()
    overwritten = "not what was said"
    await store.write(lambda tx: tx.messages.said({reply_id: overwritten}))
    await stranger.services.turns.sweep()
    assert (await stored(store, reply_id)).content == overwritten
