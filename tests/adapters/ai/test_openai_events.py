"""From the bytes of the OpenAI protocol to words."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ai.openai_events import LINE_MAX, TEXT_MAX, EventParser
from domain.ai.providers import TokenCount
from domain.errors import ProviderFailure
from tests.parts.upstream import TEXT, ending, event, token_event, whole_answer

WHOLE = "".join(whole_answer("m", with_usage=True)).encode()
DONE = b"data: [DONE]\n\n"


def said(*pieces: bytes) -> str:
    """The text of a whole reply."""
    parser = EventParser()
    text = "".join(parser.feed(piece) for piece in pieces)
    parser.require_whole()
    return text


def choice(**fields: object) -> bytes:
    return event({"choices": [{"index": 0, **fields}]}).encode()


def usage_of(*events: Mapping[str, object]) -> TokenCount | None:
    parser = EventParser()
    parser.feed("".join(event(dict(each)) for each in events).encode())
    return parser.usage


def test_bytes_cut_at_every_position() -> None:
    for cut in range(len(WHOLE) + 1):
        assert said(WHOLE[:cut], WHOLE[cut:]) == TEXT


def test_each_byte_alone() -> None:
    assert said(*(WHOLE[position : position + 1] for position in range(len(WHOLE)))) == TEXT


@given(st.lists(st.integers(0, len(WHOLE)), max_size=20).map(sorted))
def test_any_cuts(cuts: list[int]) -> None:
    pieces = [WHOLE[start:end] for start, end in zip([0, *cuts], [*cuts, len(WHOLE)], strict=True)]
    assert said(*pieces) == TEXT


@pytest.mark.parametrize(
    "data",
    [
        WHOLE.replace(b"\n", b"\r\n"),
        WHOLE.replace(b"data: ", b"data:"),
        WHOLE.replace(b"data: ", b": still here\n\ndata: "),
        WHOLE.replace(b"data: ", b"event: chunk\nid: 7\nretry: 100\ndata: "),
        WHOLE.replace(b"\n\n", b"\n"),
        b"\n\n: hello\n\ndata:\n\ndata: \n\n" + WHOLE,
    ],
    ids=["CRLF", "no space", "comments", "other fields", "single newlines", "empty events"],
)
def test_other_ways_to_write_events(data: bytes) -> None:
    assert said(data) == TEXT
    assert said(*(data[position : position + 1] for position in range(len(data)))) == TEXT


def test_text_in_ascii_escapes() -> None:
    escaped = "".join(f"data: {json.dumps({'choices': [{'delta': {'content': char}}]})}\n\n" for char in TEXT)
    assert said(escaped.encode() + DONE) == TEXT


def test_an_emoji_cut_between_two_events() -> None:
    halves = (
        choice(delta={"content": "X"}).replace(b"X", b"a\\ud83d"),
        choice(delta={"content": "X"}).replace(b"X", b"\\ude00b"),
    )
    assert said(*halves, DONE) == "a😀b"
    assert said(halves[0] + halves[1] + DONE) == "a😀b"


def test_a_nul_is_not_said() -> None:
    nul = choice(delta={"content": "X"}).replace(b"X", b"\\u0000")
    assert said(choice(delta={"content": "a\0b"}), nul, DONE) == "ab"


def test_half_an_emoji_that_stays_alone() -> None:
    half = choice(delta={"content": "X"}).replace(b"X", b"a\\ud83d")
    assert said(half, choice(delta={"content": "b"}), DONE) == "a\ufffdb"
    assert said(half, DONE) == "a"


@pytest.mark.parametrize(
    "odd",
    [
        event({}),
        event({"choices": []}),
        event({"choices": None}),
        event({"choices": "none"}),
        event({"choices": [None]}),
        event({"choices": [{}]}),
        event({"choices": [{"delta": None}]}),
        event({"choices": [{"delta": {"role": "assistant", "content": None}}]}),
        event({"choices": [{"delta": {"content": [{"type": "text"}]}}]}),
        event({"choices": [{"delta": {"reasoning_content": "Let me think."}}]}),
        event({"usage": 7, "error": None}),
        "data: null\n\n",
        "data: [1, 2]\n\n",
        'data: "text"\n\n',
    ],
)
def test_events_without_words(odd: str) -> None:
    assert said(odd.encode() + WHOLE) == TEXT


@pytest.mark.parametrize(
    "broken", [b"data: {\n", b"data: {'a': 1}\n", b"data: \xff\n", b"data: " + b"[" * 5000 + b"\n"]
)
def test_what_is_no_event(broken: bytes) -> None:
    with pytest.raises(ProviderFailure, match="broken_stream"):
        EventParser().feed(broken)


@pytest.mark.parametrize("pieces", [[b"data: " + b"x" * LINE_MAX], [b"x" * 65536] * 5, [b"\n" + b"x" * (LINE_MAX + 1)]])
def test_a_line_without_bound(pieces: list[bytes]) -> None:
    with pytest.raises(ProviderFailure, match="line_too_long"):
        said(*pieces)


def test_text_beyond_all_that_was_asked_for_ends_the_reply() -> None:
    parser, length = EventParser(), 0
    while not parser.ended:
        length += len(parser.feed(token_event("m", "x" * 1000).encode()))
    assert TEXT_MAX < length <= TEXT_MAX + 1000
    parser.require_whole()


def test_nothing_counts_after_the_end() -> None:
    assert said(WHOLE + token_event("m", "And more.").encode()) == TEXT


@pytest.mark.parametrize(
    "data", [b"", token_event("m", "Hello").encode(), b"<html></html>\n", WHOLE[:-20].replace(b"stop", b"")]
)
def test_a_reply_that_is_not_whole(data: bytes) -> None:
    with pytest.raises(ProviderFailure, match="broken_stream"):
        said(data)


def test_a_finish_reason_is_an_end() -> None:
    assert said("".join([token_event("m", "All."), ending("m", 1, False)[0]]).encode()) == "All."


@pytest.mark.parametrize(
    ("error", "reason", "refused"),
    [
        ({"message": "secret", "type": "server_error", "code": None}, "error_in_stream", False),
        ({"message": "secret", "code": 429}, "http_429", False),
        ({"message": "secret", "code": 401}, "http_401", True),
        ({"message": "secret", "code": "rate_limit_exceeded"}, "error_in_stream", False),
        ({"message": "secret", "code": 7}, "error_in_stream", False),
        ("secret", "error_in_stream", False),
    ],
)
def test_an_error_that_the_provider_reports(error: object, reason: str, refused: bool) -> None:
    parser = EventParser()
    assert (
        parser.feed((token_event("m", "Hello") + event({"error": error}) + token_event("m", "!")).encode()) == "Hello"
    )
    with pytest.raises(ProviderFailure) as raised:
        parser.require_whole()
    assert (raised.value.reason, raised.value.refused) == (reason, refused)


def test_usage_is_the_newest() -> None:
    events = [
        {"usage": {"prompt_tokens": 9, "completion_tokens": 1}},
        {"usage": {"prompt_tokens": 9, "completion_tokens": 2}},
    ]
    assert usage_of(*events, {"usage": None}) == TokenCount(9, 2)


def test_thinking_that_only_the_total_knows_of_is_counted() -> None:
    assert usage_of({"usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 111}}) == TokenCount(9, 102)


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"prompt_tokens": 9},
        {"prompt_tokens": "9", "completion_tokens": 2},
        {"prompt_tokens": -9, "completion_tokens": 2},
        {"prompt_tokens": 10**30, "completion_tokens": 2},
        {"prompt_tokens": 0.5, "completion_tokens": 2},
        [9, 2],
    ],
)
def test_usage_that_makes_no_sense_is_none(usage: object) -> None:
    assert usage_of({"usage": usage}) is None
