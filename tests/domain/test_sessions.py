"""When a session is over, what a visitor may say, and the figures of a conversation."""

import math
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadRequest, SessionEnded, SessionExpired
from domain.sessions import (
    IDLE_LIMIT,
    LatencyStats,
    Message,
    Role,
    Session,
    SessionSource,
    Visitor,
    check_client_message_id,
    check_content,
    check_visitor,
    latency_stats,
    source_of,
)
from tests.fakes.clock import START

MICROSECOND = timedelta(microseconds=1)


def session(ended: bool = False) -> Session:
    return Session("s", "a", SessionSource.LINK, START, START, ended_at=START if ended else None)


def test_a_session_is_open_until_it_was_idle_for_30_minutes() -> None:
    assert timedelta(minutes=30) == IDLE_LIMIT
    session().require_open(START + IDLE_LIMIT - MICROSECOND)
    with pytest.raises(SessionExpired):
        session().require_open(START + IDLE_LIMIT)


def test_idleness_counts_from_the_last_activity() -> None:
    used = Session("s", "a", SessionSource.LINK, START, START + timedelta(minutes=29))
    assert used.is_open(START + timedelta(minutes=58))
    assert not used.is_open(START + timedelta(minutes=59))


@pytest.mark.parametrize("later", [timedelta(), IDLE_LIMIT, timedelta(days=9)])
def test_an_ended_session_has_ended_however_late_it_is(later: timedelta) -> None:
    assert not session(ended=True).is_open(START + later)
    with pytest.raises(SessionEnded):
        session(ended=True).require_open(START + later)


@pytest.mark.parametrize("content", ["a", " a ", "你好", "x" * 5000, "two\nlines\tand a tab"])
def test_a_visitors_words_are_kept_as_they_are(content: str) -> None:
    assert check_content(content) == content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "cannot be empty"),
        (" \n\t", "cannot be empty"),
        ("x" * 5001, "can have at most 5000 characters"),
        ("a\x00b", "cannot contain a NUL character"),
    ],
)
def test_words_that_are_refused(content: str, reason: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_content(content)
    assert refused.value.details == {"field": "message", "reason": reason}


@pytest.mark.parametrize("value", [None, "1", "0b7f3a52-0000-4000-8000-000000000001", "x" * 200, "a b"])
def test_client_message_ids(value: str | None) -> None:
    assert check_client_message_id(value) == value


@pytest.mark.parametrize("value", ["", "x" * 201, "a\n", "a\x00"])
def test_client_message_ids_that_are_refused(value: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_client_message_id(value)
    assert refused.value.details["field"] == "clientMessageId"


def test_what_visitors_say_of_themselves() -> None:
    assert check_visitor(" Ann ", "ann@example.com ") == Visitor("Ann", "ann@example.com")
    assert check_visitor(None, None) == check_visitor("", " ") == Visitor()


@pytest.mark.parametrize("name", ["علی‌رضا", "👩‍💻", "José María", "x" * 200])
def test_names_of_the_whole_world(name: str) -> None:
    assert check_visitor(name, None).name == name


@pytest.mark.parametrize(
    ("name", "email", "field"),
    [
        ("x" * 201, None, "visitorName"),
        ("Ann\nBob", None, "visitorName"),
        ("Ann\x00", None, "visitorName"),
        ("Ann\u2028Bob", None, "visitorName"),
        (None, "x" * 200 + "@b", "visitorEmail"),
        (None, "ann", "visitorEmail"),
        (None, "@", "visitorEmail"),
        (None, "ann@b c", "visitorEmail"),
        (None, "ann@b@c", "visitorEmail"),
    ],
)
def test_what_visitors_cannot_say_of_themselves(name: str | None, email: str | None, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_visitor(name, email)
    assert refused.value.details["field"] == field


def test_where_visitors_come_from() -> None:
    assert source_of(None) is source_of("") is SessionSource.LINK
    assert [source_of(source) for source in ("embed", "link", "api", "widget", "voice")] == list(SessionSource)
    with pytest.raises(BadRequest) as refused:
        source_of("mars")
    assert refused.value.details == {"field": "source", "reason": "takes one of embed, link, api, widget, voice"}


def test_no_replies_have_no_latency() -> None:
    assert latency_stats([]) == LatencyStats(0, 0, 0)


@pytest.mark.parametrize(
    ("totals", "p50", "p95", "avg"),
    [
        ([7], 7, 7, 7),
        ([10, 30], 10, 30, 20),
        ([30, 10, 20], 20, 30, 20),
        (list(range(1, 21)), 10, 19, 10),
        (list(range(1, 22)), 11, 20, 11),
        (list(range(100, 0, -1)), 50, 95, 50),
    ],
)
def test_figures_of_a_conversation(totals: list[int], p50: int, p95: int, avg: int) -> None:
    assert latency_stats(totals) == LatencyStats(p50, p95, avg)


@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=120))
def test_percentiles_are_by_nearest_rank(totals: list[int]) -> None:
    stats, ordered = latency_stats(totals), sorted(totals)
    assert stats.p50 == ordered[math.ceil(Fraction(50, 100) * len(totals)) - 1]
    assert stats.p95 == ordered[math.ceil(Fraction(95, 100) * len(totals)) - 1]
    assert ordered[0] <= stats.p50 <= stats.p95 <= ordered[-1]
    assert abs(stats.avg - Fraction(sum(totals), len(totals))) <= Fraction(1, 2)


def test_what_was_said_is_not_printed() -> None:
    message = Message("m", "s", Role.USER, "my secret", START)
    assert "secret" not in repr(message)
    assert "Ann" not in repr(Visitor("Ann", "ann@example.com"))


def test_nobody_else_than_visitors_and_avatars_speaks() -> None:
    assert list(Role) == ["user", "assistant"]
