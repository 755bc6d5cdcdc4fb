"""A reply's events: numbered, merged for the slow, stored, and replayed exactly."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reply.events import (
    EmotionChanged,
    ProviderSwitched,
    ReplyChunk,
    ReplyDone,
    ReplyEvent,
    ReplyFailed,
    ReplyStarted,
    coalesced,
    ending,
    replayed,
    resumed,
    spoken,
    timeline,
)
from domain.sessions import Citation, Latency, Message, MessageStatus, Role
from tests.fakes.clock import START

ID = "reply-1"
CONTENT = st.text(max_size=20).map(lambda text: ("chunk", text))
MARKS = CONTENT | st.sampled_from([("emotion", "happy"), ("emotion", "sad"), ("switched", "openai/gpt-4o-mini")])


def stored(content: str = "Hello there.", **fields: object) -> Message:
    message = Message(ID, "session-1", Role.ASSISTANT, content, START, in_reply_to="message-1")
    return replace(message, **fields)  # type: ignore[arg-type]


def told(marks: list[tuple[str, str]]) -> list[ReplyEvent]:
    """The events of a reply before its last."""
    events: list[ReplyEvent] = [ReplyStarted(ID, 1)]
    for seq, (kind, value) in enumerate(marks, start=2):
        match kind:
            case "chunk":
                events.append(ReplyChunk(ID, seq, value))
            case "emotion":
                events.append(EmotionChanged(ID, seq, value))
            case _:
                events.append(ProviderSwitched(ID, seq, value, "stalled"))
    return events


def text_of(events: list[ReplyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReplyChunk))


@given(st.lists(MARKS, max_size=15), st.sampled_from([MessageStatus.COMPLETE, MessageStatus.INTERRUPTED]))
def test_a_stored_reply_is_replayed_with_the_numbers_it_had(
    marks: list[tuple[str, str]], status: MessageStatus
) -> None:
    events = told(marks)
    message = stored(text_of(events), status=status, timeline=timeline(events))
    assert replayed(message) == [*events, ReplyDone(ID, len(events) + 1, message)]


@given(st.lists(MARKS, max_size=15), st.integers(0, 20))
def test_resuming_a_stored_reply_gives_exactly_the_rest(marks: list[tuple[str, str]], after_seq: int) -> None:
    events = told(marks)
    message = stored(text_of(events), timeline=timeline(events))
    assert resumed(message, after_seq) == replayed(message)[after_seq:]


def test_a_timeline_is_small_json() -> None:
    events = told([("emotion", "happy"), ("chunk", "Hello"), ("switched", "xai/grok-3-mini"), ("chunk", " you")])
    assert json.loads(timeline(events)) == [["emotion", "happy"], 5, ["switched", "xai/grok-3-mini", "stalled"], 4]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (MessageStatus.COMPLETE, ReplyDone),
        (MessageStatus.INTERRUPTED, ReplyDone),
        (MessageStatus.FAILED, ReplyFailed),
        (MessageStatus.STREAMING, ReplyFailed),
    ],
)
def test_how_a_message_ended_decides_the_last_event(status: MessageStatus, kind: type[ReplyEvent]) -> None:
    last = replayed(stored(status=status))[-1]
    assert isinstance(last, kind)
    assert (last.reply_id, last.seq) == (ID, 3)


def test_a_failed_reply_may_be_retried() -> None:
    last = ending(stored(status=MessageStatus.FAILED), 9)
    assert isinstance(last, ReplyFailed)
    assert (last.code, last.retryable, last.seq) == ("AI_PROVIDER_ERROR", True, 9)


def test_a_reply_that_was_never_stored_is_not_told_as_done() -> None:
    last = ending(stored("", status=MessageStatus.STREAMING), 2)
    assert isinstance(last, ReplyFailed)
    assert (last.code, last.retryable) == ("SERVICE_UNAVAILABLE", True)


def test_a_reply_without_words_has_no_empty_chunk() -> None:
    message = stored("", status=MessageStatus.INTERRUPTED)
    assert replayed(message) == [ReplyStarted(ID, 1), ReplyDone(ID, 2, message)]


def test_a_reply_that_a_crash_cut_off_ends_for_whoever_heard_more_of_it() -> None:
    message = stored("", status=MessageStatus.INTERRUPTED, timeline=None)
    assert resumed(message, 57) == [ReplyDone(ID, 58, message)]


def test_whoever_has_the_whole_reply_gets_nothing_more() -> None:
    events = told([("chunk", "Hello")])
    assert resumed(stored("Hello", timeline=timeline(events)), 3) == []


def test_done_reads_from_the_stored_message() -> None:
    sources = (Citation("Prices", 0.9),)
    message = stored(emotion="happy", model="groq/x", latency=Latency(20, 10), sources=sources)
    done = ReplyDone(ID, 4, message)
    assert (done.text, done.emotion, done.model, done.latency, done.sources, done.interrupted) == (
        "Hello there.", "happy", "groq/x", Latency(20, 10), sources, False,
    )  # fmt: skip


def test_done_of_a_reply_that_no_model_spoke() -> None:
    done = ReplyDone(ID, 2, stored("", status=MessageStatus.INTERRUPTED))
    assert (done.model, done.latency, done.interrupted) == ("", Latency(0, 0), True)


@given(st.lists(MARKS, max_size=15))
def test_coalescing_keeps_the_text_and_all_other_events(marks: list[tuple[str, str]]) -> None:
    events = told(marks)
    merged = coalesced(events)
    assert text_of(merged) == text_of(events)
    assert [e for e in merged if not isinstance(e, ReplyChunk)] == [e for e in events if not isinstance(e, ReplyChunk)]


@given(st.lists(MARKS, max_size=15))
def test_no_two_chunks_stand_together_after_coalescing(marks: list[tuple[str, str]]) -> None:
    merged = coalesced(told(marks))
    assert not any(isinstance(one, ReplyChunk) and isinstance(other, ReplyChunk) for one, other in pairwise(merged))


@given(st.lists(MARKS, max_size=15))
def test_resuming_after_any_coalesced_event_loses_and_doubles_nothing(marks: list[tuple[str, str]]) -> None:
    events = told(marks)
    heard = ""
    for event in coalesced(events):
        heard += event.text if isinstance(event, ReplyChunk) else ""
        assert heard + text_of(events[event.seq :]) == text_of(events)


def test_a_merged_chunk_has_the_number_of_its_last() -> None:
    assert coalesced(told([("chunk", "a"), ("chunk", "b"), ("chunk", "c")])) == [
        ReplyStarted(ID, 1),
        ReplyChunk(ID, 4, "abc"),
    ]


def test_a_whole_reply_as_one_answer() -> None:
    message = stored("**Hello** 👋", emotion="happy", latency=Latency(20, 10))
    answer = spoken(ReplyDone(ID, 4, message))
    assert (answer.message_id, answer.text, answer.tts_text) == (ID, "**Hello** 👋", "Hello")
    assert (answer.emotion, answer.sources, answer.latency) == ("happy", (), Latency(20, 10))


def test_a_voice_reads_no_number_of_a_source() -> None:
    message = stored("Take rows[2] at nine [1].", sources=(Citation("Hours", 0.9, number=1),))
    assert spoken(ReplyDone(ID, 4, message)).tts_text == "Take rows[2] at nine."
