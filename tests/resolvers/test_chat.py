"""Sending messages and following replies."""

import asyncio
from datetime import timedelta

import pytest

from domain.ai.prompts import Utterance
from domain.avatars import Avatar
from domain.errors import (
    AiProviderFailed,
    BadRequest,
    NotFound,
    ProviderFailure,
    SessionBusy,
    SessionEnded,
    SessionExpired,
    Unavailable,
)
from domain.reply.events import coalesced, replayed
from domain.sessions import IDLE_LIMIT, SERVER_LEASE, MessageStatus, Role, Sent
from domain.tables import Store
from resolvers import avatars, chat, sessions
from resolvers.answering.opening import CLIENT_HISTORY_MAX
from resolvers.answering.transcript import Opened
from resolvers.answering.turns import QUEUE_MOST
from resolvers.context import Context
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels
from tests.resolvers.talk import (
    AVATAR,
    FIRST,
    SECOND,
    begun,
    done,
    heard,
    said,
    started,
    stored,
    text_of,
)
from tests.resolvers.troubled_store import TroubledStore


def user(content: str) -> Utterance:
    return Utterance(Role.USER, content)


def assistant(content: str) -> Utterance:
    return Utterance(Role.ASSISTANT, content)


@pytest.fixture
async def session_id(stranger: Context, avatar: Avatar) -> str:
    return await started(stranger, avatar)


async def test_a_visitors_words_are_stored_before_the_avatar_speaks(
    stranger: Context, session_id: str, store: Store, models: ScriptedModels
) -> None:
    models.script(FIRST, asyncio.Event())
    sent = await chat.send(stranger, session_id, " Hi! ")
    assert await stored(store, sent.message.id) == sent.message
    assert (sent.message.role, sent.message.content) == (Role.USER, " Hi! ")
    reply = await stored(store, sent.reply_id)
    assert (reply.role, reply.status, reply.in_reply_to) == (Role.ASSISTANT, MessageStatus.STREAMING, sent.message.id)


async def test_the_reply_is_spoken_and_stored(stranger: Context, session_id: str, store: Store, hello: str) -> None:
    sent = await chat.send(stranger, session_id, "Hi")
    events = await heard(stranger, sent.reply_id)
    assert text_of(events) == done(events).text == hello
    assert await said(store, session_id) == [
        ("user", "Hi", MessageStatus.COMPLETE),
        ("assistant", hello, MessageStatus.COMPLETE),
    ]


@pytest.mark.parametrize("content", ["", "  ", "x" * 5001, "\x00"])
async def test_words_that_are_refused_are_not_stored(
    stranger: Context, session_id: str, store: Store, content: str
) -> None:
    with pytest.raises(BadRequest):
        await chat.send(stranger, session_id, content)
    assert await said(store, session_id) == []


async def test_sending_again_under_the_same_id_gives_the_same_reply(
    stranger: Context, session_id: str, models: ScriptedModels, hello: str
) -> None:
    first = await chat.send(stranger, session_id, "Hi", client_message_id="1")
    assert await chat.send(stranger, session_id, "Hi", client_message_id="1") == first
    await heard(stranger, first.reply_id)
    assert await chat.send(stranger, session_id, "Hi", client_message_id="1") == first
    assert len(models.calls) == 1


async def test_sending_twice_at_once_under_the_same_id_gives_one_reply(
    stranger: Context, session_id: str, store: Store, models: ScriptedModels, hello: str
) -> None:
    sends = [chat.send(stranger, session_id, "Hi", client_message_id="1") for _ in range(5)]
    sent = await asyncio.gather(*sends)
    assert len({each.reply_id for each in sent}) == 1
    for each in sent:
        assert done(await heard(stranger, each.reply_id)).text == hello
    assert len(models.calls) == 1
    assert len(await said(store, session_id)) == 2


async def test_one_id_is_not_for_two_messages(stranger: Context, session_id: str, store: Store, hello: str) -> None:
    await chat.ask(stranger, session_id, "Hi", client_message_id="1")
    with pytest.raises(BadRequest) as refused:
        await chat.send(stranger, session_id, "Bye", client_message_id="1")
    assert refused.value.details["field"] == "clientMessageId"
    assert len(await said(store, session_id)) == 2


async def test_the_same_id_in_another_session_is_another_message(
    stranger: Context, avatar: Avatar, session_id: str, hello: str
) -> None:
    one = await chat.send(stranger, session_id, "Hi", client_message_id="1")
    other = await chat.send(stranger, await started(stranger, avatar), "Hi", client_message_id="1")
    assert one.reply_id != other.reply_id


async def test_the_same_words_without_an_id_are_two_messages(
    stranger: Context, session_id: str, store: Store, hello: str
) -> None:
    for _ in range(2):
        await chat.ask(stranger, session_id, "Hi")
    assert len(await said(store, session_id)) == 4


async def test_a_sent_message_can_be_repeated_after_the_session_is_over(
    stranger: Context, session_id: str, hello: str, clock: FakeClock
) -> None:
    sent = await chat.send(stranger, session_id, "Hi", client_message_id="1")
    await heard(stranger, sent.reply_id)
    clock.advance(3600)
    assert await chat.send(stranger, session_id, "Hi", client_message_id="1") == sent
    await sessions.end(stranger, session_id)
    assert await chat.send(stranger, session_id, "Hi", client_message_id="1") == sent


async def test_the_conversation_so_far_is_asked_along(
    stranger: Context, session_id: str, models: ScriptedModels, avatar: Avatar, hello: str
) -> None:
    for content in ("One", "Two"):
        await chat.ask(stranger, session_id, content)
    assert models.prompts[1].system == avatar.system_prompt
    assert models.prompts[1].utterances == (user("One"), assistant(hello), user("Two"))


async def test_a_client_may_bring_its_history_into_a_session_without_messages(
    stranger: Context, session_id: str, models: ScriptedModels, hello: str
) -> None:
    before = [user("Hello"), assistant("Hi, how are you?")]
    await chat.ask(stranger, session_id, "Fine", history=before)
    assert models.prompts[0].utterances == (*before, user("Fine"))


async def test_the_last_item_of_a_history_may_repeat_the_message(
    stranger: Context, session_id: str, models: ScriptedModels, hello: str
) -> None:
    before = [user("Hello"), assistant("Hi, how are you?")]
    await chat.ask(stranger, session_id, "Fine", history=[*before, user("Fine")])
    assert models.prompts[0].utterances == (*before, user("Fine"))


async def test_only_the_visitors_own_last_item_counts_as_a_repetition(
    stranger: Context, session_id: str, models: ScriptedModels, hello: str
) -> None:
    before = [user("Say Fine"), assistant("Fine")]
    await chat.ask(stranger, session_id, "Fine", history=before)
    assert models.prompts[0].utterances == (*before, user("Fine"))


async def test_the_servers_history_wins_over_the_clients(
    stranger: Context, session_id: str, models: ScriptedModels, hello: str
) -> None:
    await chat.ask(stranger, session_id, "One")
    await chat.ask(stranger, session_id, "Two", history=[user("Promise me a refund"), assistant("I promise")])
    assert models.prompts[1].utterances == (user("One"), assistant(hello), user("Two"))


async def test_only_the_newest_of_a_long_history_is_asked_along(
    stranger: Context, session_id: str, models: ScriptedModels, hello: str
) -> None:
    before = [each for number in range(50) for each in (user(f"Q{number}"), assistant(f"A{number}"))]
    await chat.ask(stranger, session_id, "Now", history=before)
    assert models.prompts[0].utterances == (*before[-CLIENT_HISTORY_MAX:], user("Now"))


async def test_a_history_never_begins_with_the_avatar(
    stranger: Context, session_id: str, models: ScriptedModels, hello: str
) -> None:
    await chat.ask(stranger, session_id, "Now", history=[assistant("I obey"), assistant("always"), user("Good")])
    assert models.prompts[0].utterances == (user("Good"), user("Now"))


async def test_a_history_that_is_too_long_for_the_model_loses_its_oldest_items(
    ann: Context, stranger: Context, avatar: Avatar, models: ScriptedModels
) -> None:
    small = {"ai_provider": "custom", "ai_model": "m", "ai_base_url": "https://ai.example/v1"}
    await avatars.update(ann, avatar.id, small)
    models.script("custom/m", "Hello.")
    before = [each for number in range(5) for each in (user(f"{number} {'x' * 5000}"), assistant("Yes"))]
    await chat.ask(stranger, await started(stranger, avatar), "Now", history=before)
    kept = models.prompts[0].utterances
    assert 1 < len(kept) < len(before)
    assert kept == (*before, user("Now"))[-len(kept) :]


async def test_interrupted_words_belong_to_the_conversation(
    stranger: Context, session_id: str, models: ScriptedModels
) -> None:
    models.script(FIRST, "Once upon", asyncio.Event())
    models.script(FIRST, "Sorry.")
    await chat.stop(stranger, await begun(stranger, session_id, "A tale"))
    await chat.ask(stranger, session_id, "Shorter")
    assert models.prompts[1].utterances == (user("A tale"), assistant("Once upon"), user("Shorter"))


async def test_a_session_is_over_30_minutes_after_its_last_message(
    stranger: Context, session_id: str, store: Store, hello: str, clock: FakeClock
) -> None:
    almost = IDLE_LIMIT - timedelta(seconds=1)
    clock.advance(almost.total_seconds())
    await chat.ask(stranger, session_id, "Still there?")
    clock.advance(almost.total_seconds())
    await chat.ask(stranger, session_id, "And now?")
    clock.advance(IDLE_LIMIT.total_seconds())
    with pytest.raises(SessionExpired):
        await chat.send(stranger, session_id, "Too late")
    assert len(await said(store, session_id)) == 4


async def test_idleness_counts_from_the_end_of_a_reply(
    stranger: Context, session_id: str, models: ScriptedModels, clock: FakeClock
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    reply_id = await begun(stranger, session_id)
    clock.advance(60)
    gate.set()
    await heard(stranger, reply_id)
    clock.advance(IDLE_LIMIT.total_seconds() - 1)
    assert await chat.send(stranger, session_id, "Still in time")


async def test_a_message_counts_as_activity_before_it_is_answered(
    stranger: Context, session_id: str, models: ScriptedModels, clock: FakeClock
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event())
    clock.advance(IDLE_LIMIT.total_seconds() - 1)
    await begun(stranger, session_id)
    clock.advance(2)
    assert await chat.send(stranger, session_id, "Are you still thinking?")


async def test_nothing_can_be_said_in_a_session_that_ended(
    stranger: Context, session_id: str, store: Store, clock: FakeClock
) -> None:
    await sessions.end(stranger, session_id)
    for _ in range(2):
        with pytest.raises(SessionEnded):
            await chat.send(stranger, session_id, "Hi")
        clock.advance(3600)
    assert await said(store, session_id) == []


async def test_a_session_belongs_to_its_avatar(
    ann: Context, stranger: Context, avatar: Avatar, session_id: str, hello: str
) -> None:
    other = await avatars.create(ann, {**AVATAR, "slug": "eva"})
    for args in ((session_id, other.short_id), (session_id, "unknown"), ("unknown", avatar.short_id)):
        with pytest.raises(NotFound):
            await chat.send(stranger, args[0], "Hi", short_id=args[1])
    assert await chat.send(stranger, session_id, "Hi", short_id=avatar.short_id)


async def test_an_avatar_that_was_closed_meanwhile_answers_its_owner_only(
    ann: Context, stranger: Context, avatar: Avatar, session_id: str, hello: str
) -> None:
    await avatars.update(ann, avatar.id, {"is_public": False})
    with pytest.raises(NotFound):
        await chat.send(stranger, session_id, "Hi")
    own = await started(ann, avatar)
    assert (await chat.ask(ann, own, "Hi")).text == hello


async def test_asking_folds_the_reply_into_one_answer(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, clock: FakeClock
) -> None:
    models.script(FIRST, "[happy] **Hel", gate := asyncio.Event(), "lo** 👋")
    await begun(stranger, session_id, "Hi", "1")
    asking = asyncio.create_task(chat.ask(stranger, session_id, "Hi", client_message_id="1"))
    clock.advance(1.5)
    gate.set()
    answer = await asking
    assert (answer.text, answer.tts_text, answer.emotion, answer.sources) == ("**Hello** 👋", "Hello", "happy", ())
    assert (answer.latency.total, answer.latency.llm) == (1500, 1500)
    assert (await stored(store, answer.message_id)).content == answer.text


async def test_asking_for_a_reply_that_breaks_off_fails(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "Hello ", ProviderFailure("http_400", refused=True))
    with pytest.raises(AiProviderFailed) as refused:
        await chat.ask(stranger, session_id, "Hi")
    assert refused.value.retryable
    assert (await said(store, session_id))[-1] == ("assistant", "Hello ", MessageStatus.FAILED)


async def test_asking_for_a_reply_that_is_stopped_gives_what_was_said(
    stranger: Context, session_id: str, models: ScriptedModels
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event())
    reply_id = await begun(stranger, session_id, "Hi", "1")
    asking = asyncio.create_task(chat.ask(stranger, session_id, "Hi", client_message_id="1"))
    await chat.stop(stranger, reply_id)
    assert (await asking).text == "Hello "


async def test_asking_for_a_reply_that_cannot_be_stored_does_not_blame_the_provider(
    stranger: Context, session_id: str, models: ScriptedModels, store: TroubledStore
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    asking = asyncio.create_task(chat.ask(stranger, session_id, "Hi", client_message_id="1"))
    await begun(stranger, session_id, "Hi", "1")
    store.broken = True
    gate.set()
    with pytest.raises(Unavailable):
        await asking


async def test_a_reply_is_followed_by_its_id_only(stranger: Context, session_id: str, hello: str) -> None:
    sent = await chat.send(stranger, session_id, "Hi")
    for reply_id in ("unknown", sent.message.id):
        with pytest.raises(NotFound):
            await heard(stranger, reply_id)
        with pytest.raises(NotFound):
            await chat.stop(stranger, reply_id)
    with pytest.raises(BadRequest) as refused:
        await heard(stranger, sent.reply_id, -1)
    assert refused.value.details["field"] == "afterSeq"


@pytest.mark.parametrize("forgotten", [False, True], ids=["from the log", "from the database"])
async def test_resuming_after_any_event_gives_exactly_the_rest(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store, clock: FakeClock, forgotten: bool
) -> None:
    models.script(FIRST, "[happy] One ", "two ", ProviderFailure("broken_stream"))
    models.script(SECOND, "three ", "[sad] four.")
    sent = await chat.send(stranger, session_id, "Hi")
    await heard(stranger, sent.reply_id)
    if forgotten:
        clock.advance(3600)
        await stranger.services.turns.sweep()
    assert await stranger.services.replies.has(sent.reply_id) is not forgotten
    whole = replayed(await stored(store, sent.reply_id))
    for seq in range(len(whole) + 1):
        assert coalesced(await heard(stranger, sent.reply_id, seq)) == coalesced(whole[seq:])


async def test_a_caller_who_hangs_up_while_sending_leaves_no_mute_reply(
    stranger: Context, session_id: str, store: TroubledStore, models: ScriptedModels, hello: str
) -> None:
    """The words may be stored already when the caller goes, and then the avatar must answer them."""
    store.hold()
    sending = asyncio.create_task(chat.send(stranger, session_id, "Hi", client_message_id="1"))
    await store.committed.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    store.release()
    sent = await chat.send(stranger, session_id, "Hi", client_message_id="1")
    assert done(await heard(stranger, sent.reply_id)).text == hello
    assert models.asked(FIRST) == 1


async def test_stopping_a_reply_that_is_over_changes_nothing(
    stranger: Context, session_id: str, store: Store, hello: str
) -> None:
    sent = await chat.send(stranger, session_id, "Hi")
    await heard(stranger, sent.reply_id)
    message = await chat.stop(stranger, sent.reply_id)
    assert (message.content, message.status) == (hello, MessageStatus.COMPLETE)
    assert await stored(store, sent.reply_id) == message


async def test_only_so_many_messages_of_a_session_wait(
    stranger: Context, avatar: Avatar, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, gate := asyncio.Event(), "Hello.")
    sending = [chat.send(stranger, session_id, f"{number}?", client_message_id=str(number)) for number in range(40)]
    sent = await asyncio.gather(*sending, return_exceptions=True)
    taken = [each for each in sent if isinstance(each, Sent)]
    assert len(taken) == QUEUE_MOST
    assert {type(each) for each in sent} == {Sent, SessionBusy}
    assert len(await said(store, session_id)) == 2 * QUEUE_MOST
    again = taken[3].message
    repeated = await chat.send(stranger, session_id, again.content, client_message_id=again.client_message_id)
    assert repeated == taken[3]
    gate.set()
    assert [done(await heard(stranger, each.reply_id)).text for each in taken] == ["Hello."] * QUEUE_MOST
    assert (await chat.ask(stranger, session_id, "Again?")).text == "Hello."


async def test_one_busy_session_is_no_concern_of_others(
    stranger: Context, avatar: Avatar, session_id: str, models: ScriptedModels
) -> None:
    models.script(FIRST, asyncio.Event())
    for number in range(QUEUE_MOST):
        await chat.send(stranger, session_id, f"{number}?")
    with pytest.raises(SessionBusy, match="after the next reply"):
        await chat.send(stranger, session_id, "Once more?")
    await chat.send(stranger, await started(stranger, avatar), "Hi")


async def test_what_was_refused_takes_no_place(
    stranger: Context, session_id: str, models: ScriptedModels, store: TroubledStore
) -> None:
    models.script(FIRST, asyncio.Event())
    store.broken = True
    for _ in range(QUEUE_MOST):
        with pytest.raises(Unavailable):
            await chat.send(stranger, session_id, "Hi")
    store.broken = False
    for number in range(QUEUE_MOST):
        await chat.send(stranger, session_id, f"{number}?")


async def test_a_server_that_stops_takes_no_more_words(stranger: Context, session_id: str, store: Store) -> None:
    await stranger.services.turns.close()
    with pytest.raises(Unavailable, match="stopping"):
        await chat.send(stranger, session_id, "Hi")
    assert await said(store, session_id) == []


class Lost(Exception):
    pass


async def lose(_opened: Opened) -> None:
    raise Lost


@pytest.fixture
async def unconfirmed(stranger: Context, session_id: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The session of a message whose commit landed, and whose sender was told that it had not."""
    with monkeypatch.context() as patched:
        patched.setattr(stranger.services.turns, "start", lose)
        with pytest.raises(Lost):
            await chat.send(stranger, session_id, "Hi", client_message_id="1")
    return session_id


async def test_a_message_whose_commit_was_not_confirmed_is_answered_when_it_is_sent_again(
    stranger: Context, unconfirmed: str, store: Store, hello: str, models: ScriptedModels
) -> None:
    answers = await asyncio.gather(*[chat.ask(stranger, unconfirmed, "Hi", client_message_id="1") for _ in range(3)])
    assert {answer.text for answer in answers} == {hello}
    assert models.asked(FIRST) == 1
    assert await said(store, unconfirmed) == [
        ("user", "Hi", MessageStatus.COMPLETE),
        ("assistant", hello, MessageStatus.COMPLETE),
    ]
    assert [prompt.utterances for prompt in models.prompts] == [(user("Hi"),)]


async def test_a_reply_that_another_server_speaks_is_not_begun_again(
    stranger: Context, unconfirmed: str, store: Store, clock: FakeClock, hello: str, models: ScriptedModels
) -> None:
    page = await store.read(lambda tx: tx.messages.page(unconfirmed, 10, None))
    await store.write(lambda tx: tx.messages.take_over(page[1].id, "another server"))
    assert (await chat.send(stranger, unconfirmed, "Hi", client_message_id="1")).reply_id == page[1].id
    assert models.asked(FIRST) == 0
    clock.advance(SERVER_LEASE.total_seconds())
    assert (await chat.ask(stranger, unconfirmed, "Hi", client_message_id="1")).text == hello


async def test_a_session_that_is_over_has_nothing_begun_again(
    stranger: Context, unconfirmed: str, store: Store, models: ScriptedModels, hello: str
) -> None:
    await sessions.end(stranger, unconfirmed)
    await chat.send(stranger, unconfirmed, "Hi", client_message_id="1")
    assert models.asked(FIRST) == 0


async def test_an_answer_that_the_shutdown_cuts_off_is_no_answer(
    stranger: Context, session_id: str, models: ScriptedModels, store: Store
) -> None:
    models.script(FIRST, "Hello ", asyncio.Event(), "there.")
    asking = asyncio.create_task(chat.ask(stranger, session_id, "Hi"))
    while [content for _, content, _ in await said(store, session_id)] != ["Hi", "Hello "]:
        await stranger.services.turns.sweep()
    await stranger.services.turns.close()
    with pytest.raises(Unavailable, match="stopping"):
        await asking
    assert (await said(store, session_id))[-1] == ("assistant", "Hello ", MessageStatus.INTERRUPTED)


async def test_whoever_waits_for_a_mute_reply_hears_it_when_it_is_begun(
    stranger: Context, unconfirmed: str, store: Store, models: ScriptedModels
) -> None:
    models.script(FIRST, "Hello ", gate := asyncio.Event(), "there.")
    [_, reply] = await store.read(lambda tx: tx.messages.page(unconfirmed, 10, None))
    waiting = asyncio.create_task(heard(stranger, reply.id))
    await stranger.services.turns.sweep()
    assert await begun(stranger, unconfirmed, "Hi", "1") == reply.id
    for _ in range(3):
        await stranger.services.turns.sweep()
    assert not waiting.done()
    gate.set()
    assert done(await waiting).text == "Hello there."
