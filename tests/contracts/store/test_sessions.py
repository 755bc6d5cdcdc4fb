"""What every store promises of sessions and messages."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.ai.prompts import Utterance
from domain.sessions import (
    SERVER_LEASE,
    Citation,
    Latency,
    Message,
    MessageStatus,
    Role,
    Session,
    SessionSource,
    Usage,
    Visitor,
)
from domain.tables import Store, Tx
from tests.builders import NOON, a_message, a_reply, a_session, an_account, an_avatar
from tests.contracts.conftest import Database

LATER = NOON + timedelta(minutes=1)


@pytest.fixture
async def session(store: Store) -> Session:
    account = an_account()
    avatar = an_avatar(account)
    session = a_session(avatar)

    def add(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)
        tx.sessions.add(session)

    await store.write(add)
    return session


async def another(store: Store, session: Session) -> Session:
    """A second session with the same avatar."""
    other = replace(session, id=f"other than {session.id}")
    await store.write(lambda tx: tx.sessions.add(other))
    return other


async def add(store: Store, *messages: Message) -> None:
    def add(tx: Tx) -> None:
        for message in messages:
            tx.messages.add(message)

    await store.write(add)


async def stored(store: Store, message: Message) -> Message | None:
    return await store.read(lambda tx: tx.messages.by_id(message.id))


def spoken(reply: Message) -> Message:
    """The reply as it ended, with every field that a reply can have."""
    return replace(
        reply,
        content="Ja. 🎉 \U0001d11e \u2028",
        status=MessageStatus.COMPLETE,
        model="groq/llama",
        emotion="happy",
        sources=(Citation("A page", 0.875), Citation("日本語 🗾", 0.1)),
        latency=Latency(1200, 900),
        usage=Usage(10, 20, 0.000123, estimated=True),
        timeline='[3,["emotion","happy"]]',
    )


async def test_every_field_of_a_session_comes_back(store: Store, session: Session) -> None:
    full = replace(
        session, id="full", source=SessionSource.WIDGET, visitor=Visitor("Zoë 🦊", "zoe@example.com"),
        last_active_at=LATER, ended_at=LATER, opened_with="mark",
    )  # fmt: skip
    await store.write(lambda tx: tx.sessions.add(full))
    assert await store.read(lambda tx: tx.sessions.by_id("full")) == full
    assert await store.read(lambda tx: tx.sessions.by_id(session.id)) == session
    assert await store.read(lambda tx: tx.sessions.by_id("unknown")) is None


async def test_a_session_is_touched_and_ended(store: Store, session: Session) -> None:
    other = await another(store, session)
    await store.write(lambda tx: tx.sessions.touch(session.id, LATER))
    await store.write(lambda tx: tx.sessions.end(session.id, NOON))
    await store.write(lambda tx: tx.sessions.end(session.id, LATER))
    ended = replace(session, last_active_at=LATER, ended_at=NOON)
    assert await store.read(lambda tx: tx.sessions.by_id(session.id)) == ended, "the first end counts"
    assert await store.read(lambda tx: tx.sessions.by_id(other.id)) == other


async def test_every_field_of_a_message_comes_back(store: Store, session: Session) -> None:
    message = a_message(session, "Wie geht's? 🦊\n\t", client_message_id="client-1")
    reply = spoken(a_reply(message))
    await add(store, message, reply)
    assert await stored(store, message) == message
    assert await stored(store, reply) == reply
    assert await store.read(lambda tx: tx.messages.by_id("unknown")) is None


async def test_a_message_needs_its_session(store: Store, database: Database) -> None:
    with pytest.raises(database.refusal):
        await add(store, a_message(a_session(an_avatar(an_account()))))


async def test_a_client_message_id_counts_once_in_a_session(store: Store, session: Session, database: Database) -> None:
    other = await another(store, session)
    first, elsewhere = (a_message(one, client_message_id="same") for one in (session, other))
    await add(store, first, elsewhere, a_message(session), a_message(session))
    with pytest.raises(database.refusal):
        await add(store, a_message(session, client_message_id="same"))
    assert await store.read(lambda tx: tx.messages.of_client(session.id, "same")) == first
    assert await store.read(lambda tx: tx.messages.of_client(other.id, "same")) == elsewhere
    assert await store.read(lambda tx: tx.messages.of_client(session.id, "other")) is None


async def test_a_message_leads_to_its_reply(store: Store, session: Session) -> None:
    message, lonely = a_message(session), a_message(session)
    first, second = a_reply(message), a_reply(message)
    await add(store, message, lonely, first)
    assert await store.read(lambda tx: tx.messages.reply_to(message)) == first
    await add(store, second)
    assert await store.read(lambda tx: tx.messages.reply_to(message)) == second, "the newest"
    assert await store.read(lambda tx: tx.messages.reply_to(lonely)) is None


async def test_messages_keep_the_order_in_which_they_were_added(store: Store, session: Session) -> None:
    other = await another(store, session)
    times = (NOON, LATER, NOON, NOON, NOON - timedelta(days=1))
    messages = [a_message(session, str(index), created_at=time) for index, time in enumerate(times)]
    for message in messages:
        await add(store, message, a_message(other))
    utterances = [Utterance(Role.USER, message.content) for message in messages]
    assert await store.read(lambda tx: tx.messages.history(session.id, 10)) == utterances
    assert await store.read(lambda tx: tx.messages.history(session.id, 2)) == utterances[-2:]
    assert await store.read(lambda tx: tx.messages.history(session.id, 0)) == []
    assert await store.read(lambda tx: tx.messages.history("unknown", 5)) == []
    assert await store.read(lambda tx: tx.messages.page(session.id, 10, None)) == messages


async def test_the_history_is_what_was_said_before(store: Store, session: Session) -> None:
    questions = [a_message(session, words) for words in ("One?", "Two?", "Three?", "Four?")]
    silent, broken, answered, speaking = (a_reply(question) for question in questions)
    ends = [
        replace(silent, status=MessageStatus.FAILED),
        replace(broken, status=MessageStatus.INTERRUPTED, content="Two is"),
        replace(answered, status=MessageStatus.COMPLETE, content="Three."),
    ]
    for question, reply in zip(questions, (silent, broken, answered, speaking), strict=True):
        await store.write(lambda tx, utterance=(question, reply): tx.messages.add_turn(*utterance, "server"))  # type: ignore[misc]
    for end in ends:
        await store.write(lambda tx, end=end: tx.messages.finish(end))  # type: ignore[misc]
    await store.write(lambda tx: tx.messages.said({speaking.id: "Four is"}))
    said = ["One?", "Two?", "Two is", "Three?", "Three.", "Four?"]

    async def history(limit: int, before: str | None = None) -> list[str]:
        utterances = await store.read(lambda tx: tx.messages.history(session.id, limit, before))
        return [utterance.content for utterance in utterances]

    assert await history(10) == said
    assert await history(3) == said[-3:]
    assert await history(10, before=questions[2].id) == said[:3]
    assert await history(2, before=answered.id) == said[2:4]
    foreign = await another(store, session)
    await add(store, elsewhere := a_message(foreign))
    assert [await history(10, before=id_) for id_ in ("unknown", elsewhere.id, questions[0].id)] == [[]] * 3


async def test_a_turn_is_a_message_and_then_its_reply(store: Store, session: Session, database: Database) -> None:
    message = a_message(session, client_message_id="client-1")
    reply = a_reply(message)
    await store.write(lambda tx: tx.messages.add_turn(message, reply, "server"))
    assert await store.read(lambda tx: tx.messages.page(session.id, 5, None)) == [message, reply]
    again = a_message(session, client_message_id="client-1")
    with pytest.raises(database.refusal):
        await store.write(lambda tx: tx.messages.add_turn(again, a_reply(again), "server"))
    assert await store.read(lambda tx: tx.messages.page(session.id, 5, None)) == [message, reply]


async def test_a_session_leads_to_its_avatar(store: Store, session: Session) -> None:
    found = await store.read(lambda tx: tx.sessions.with_avatar(session.id))
    assert found is not None
    assert found == await store.write(lambda tx: tx.sessions.with_avatar(session.id))
    assert found[0] == session
    assert found[1].id == session.avatar_id
    assert await store.read(lambda tx: tx.sessions.with_avatar("unknown")) is None


async def test_pages_run_from_oldest_to_newest(store: Store, session: Session) -> None:
    other = await another(store, session)
    messages = [a_message(session, str(index)) for index in range(5)]
    await add(store, foreign := a_message(other), *messages)

    def pages(tx: Tx) -> list[Message]:
        found = page = tx.messages.page(session.id, 2, None)
        while page:
            page = tx.messages.page(session.id, 2, page[-1].id)
            found = found + page
        return found

    assert await store.read(pages) == messages
    ends = (messages[-1].id, "unknown", foreign.id, "")
    assert await store.read(lambda tx: [tx.messages.page(session.id, 5, after) for after in ends]) == [[]] * 4
    assert await store.read(lambda tx: tx.messages.page(session.id, 0, None)) == []


async def test_questions_are_what_the_visitor_sent(store: Store, session: Session) -> None:
    other = await another(store, session)
    message = a_message(session)
    await add(store, message, a_reply(message), a_message(session), a_message(other))
    assert await store.read(lambda tx: tx.messages.questions(session.id)) == 2
    assert await store.read(lambda tx: tx.messages.questions("unknown")) == 0


async def test_latencies_are_those_of_complete_replies(store: Store, session: Session) -> None:
    other = await another(store, session)
    message = a_message(session)
    statuses = (MessageStatus.COMPLETE, MessageStatus.INTERRUPTED, MessageStatus.FAILED, MessageStatus.STREAMING)
    replies = [a_reply(message, status=status, latency=Latency(100, 90)) for status in statuses]
    unmeasured = a_reply(message, status=MessageStatus.COMPLETE)
    last = a_reply(message, status=MessageStatus.COMPLETE, latency=Latency(0, 0))
    foreign = a_reply(message, session_id=other.id, status=MessageStatus.COMPLETE, latency=Latency(5, 5))
    await add(store, message, *replies, unmeasured, last, foreign)
    assert await store.read(lambda tx: tx.messages.latencies(session.id)) == [100, 0]


async def test_a_reply_ends_once(store: Store, session: Session) -> None:
    message = a_message(session)
    reply, bystander = a_reply(message), a_reply(message)
    await add(store, message, reply, bystander)
    assert await abandoned(store) == [reply, bystander]
    ended = spoken(reply)
    await store.write(lambda tx: tx.messages.finish(ended))
    await store.write(lambda tx: tx.messages.finish(replace(reply, status=MessageStatus.FAILED, content="")))
    assert await stored(store, reply) == ended
    assert await abandoned(store) == [bystander]
    await store.write(lambda tx: tx.messages.finish(a_reply(message)))
    assert len(await store.read(lambda tx: tx.messages.page(session.id, 10, None))) == 3


SECOND = timedelta(seconds=1)
LATER = NOON + SERVER_LEASE


async def abandoned(store: Store, server: str = "another server", now: datetime = LATER) -> list[Message]:
    return await store.read(lambda tx: tx.messages.abandoned(server, now))


async def turn_of(store: Store, session: Session, server: str, begun: datetime = NOON) -> Message:
    """A reply that a server was about to speak."""
    message = a_message(session)
    reply = a_reply(message, created_at=begun)
    await store.write(lambda tx: tx.messages.add_turn(message, reply, server))
    return reply


async def test_a_server_lives_for_a_while_after_it_said_so(store: Store, session: Session) -> None:
    reply = await turn_of(store, session, "one")
    assert await abandoned(store, now=LATER - SECOND) == []
    assert await abandoned(store) == [reply]
    await store.write(lambda tx: tx.servers.alive("one", LATER))
    assert await abandoned(store) == []
    await store.write(lambda tx: tx.servers.alive("one", LATER + SECOND))
    assert await abandoned(store, now=LATER + SERVER_LEASE) == []
    assert await abandoned(store, now=LATER + SECOND + SERVER_LEASE) == [reply]


async def test_a_server_knows_itself_what_it_speaks(store: Store, session: Session) -> None:
    reply = await turn_of(store, session, "one")
    await store.write(lambda tx: tx.servers.alive("one", LATER))
    assert await abandoned(store, "one") == [reply]
    assert await abandoned(store, "one", NOON) == []


@pytest.mark.parametrize("ahead", [SECOND, timedelta(days=400)])
async def test_a_time_in_the_future_is_some_wrong_clocks(store: Store, session: Session, ahead: timedelta) -> None:
    reply, begun_later = await turn_of(store, session, "one"), await turn_of(store, session, "two", LATER + ahead)
    await store.write(lambda tx: tx.servers.alive("one", LATER + ahead))
    assert await abandoned(store) == [reply, begun_later]


async def test_whether_one_reply_is_abandoned(store: Store, session: Session) -> None:
    async def is_abandoned(reply: Message, server: str, now: datetime = NOON) -> bool:
        return await store.read(lambda tx: tx.messages.is_abandoned(reply.id, server, now))

    reply = await turn_of(store, session, "one")
    assert [await is_abandoned(reply, server) for server in ("one", "another")] == [True, False]
    assert await is_abandoned(reply, "another", LATER)
    await store.write(lambda tx: tx.messages.take_over(reply.id, "another"))
    await store.write(lambda tx: tx.servers.alive("another", LATER))
    assert [await is_abandoned(reply, server, LATER) for server in ("one", "another")] == [False, True]
    await store.write(lambda tx: tx.messages.finish(spoken(reply)))
    await store.write(lambda tx: tx.messages.take_over(reply.id, "one"))
    assert not await is_abandoned(reply, "one", LATER)
    assert await stored(store, reply) == spoken(reply)


async def test_a_server_that_is_forgotten_left_its_replies_behind(store: Store, session: Session) -> None:
    reply = await turn_of(store, session, "one")
    await store.write(lambda tx: tx.servers.alive("one", LATER))
    await store.write(lambda tx: tx.servers.forget(LATER))
    assert await abandoned(store) == []
    await store.write(lambda tx: tx.servers.forget(LATER + SECOND))
    assert await abandoned(store) == [reply]


async def test_what_many_replies_said_is_stored_at_once(store: Store, session: Session) -> None:
    replies = [await turn_of(store, session, "one") for _ in range(3)]
    ended = spoken(replies[2])
    await store.write(lambda tx: tx.messages.finish(ended))
    drafts = {reply.id: f"It's {number} o'clock 🦊" for number, reply in enumerate(replies)}
    await store.write(lambda tx: tx.messages.said({**drafts, "unknown": "Nothing"}))
    found = [await stored(store, reply) for reply in replies]
    assert [reply and reply.content for reply in found] == [*list(drafts.values())[:2], ended.content]


async def test_what_was_said_so_far_is_stored_until_the_reply_ends(store: Store, session: Session) -> None:
    message = a_message(session)
    reply, bystander = a_reply(message), a_reply(message)
    await add(store, message, reply, bystander)
    await store.write(lambda tx: tx.messages.said({reply.id: "Once upon"}))
    assert await stored(store, reply) == replace(reply, content="Once upon")
    assert await stored(store, bystander) == bystander
    ended = spoken(reply)
    await store.write(lambda tx: tx.messages.finish(ended))
    await store.write(lambda tx: tx.messages.said({reply.id: "Once upon a time"}))
    await store.write(lambda tx: tx.messages.said({"unknown": "Nothing"}))
    await store.write(lambda tx: tx.messages.said({message.id: "Other words"}))
    assert await stored(store, reply) == ended
    assert await stored(store, message) == message


async def test_an_end_changes_only_what_an_end_can(store: Store, session: Session) -> None:
    other = await another(store, session)
    message = a_message(session)
    reply = a_reply(message)
    await add(store, message, reply)
    ended = spoken(reply)
    astray = replace(
        ended, session_id=other.id, role=Role.USER, created_at=LATER, client_message_id="x", in_reply_to=None
    )
    await store.write(lambda tx: tx.messages.finish(astray))
    assert await stored(store, reply) == ended


async def test_a_visitors_words_cannot_be_ended(store: Store, session: Session) -> None:
    message = a_message(session)
    await add(store, message)
    await store.write(lambda tx: tx.messages.finish(replace(message, content="Other words")))
    assert await stored(store, message) == message


@pytest.mark.parametrize("text", ["\x00", "no\x00body", "\ud800", "who\udfff?"])
async def test_what_no_database_can_store_is_not_found(store: Store, session: Session, text: str) -> None:
    assert await store.read(lambda tx: (tx.accounts.by_id(text), tx.accounts.by_subject(text))) == (None, None)
    assert await store.read(lambda tx: (tx.avatars.by_short_id(text), tx.avatars.by_id(text, text))) == (None, None)
    assert await store.read(lambda tx: tx.avatars.page(text, 5, text)) == []
    assert await store.write(lambda tx: (tx.sessions.by_id(text), tx.messages.by_id(text))) == (None, None)
    assert await store.write(lambda tx: tx.messages.of_client(session.id, text)) is None
    assert await store.read(lambda tx: tx.messages.page(session.id, 5, text)) == []
    assert await store.read(lambda tx: tx.messages.questions(text)) == 0
