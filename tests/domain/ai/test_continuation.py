"""A second model's words, joined to those that were already said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ai.continuation import Continuation, overlap

PARIS = "Paris is the capital of France. It has two million inh"
WORDS = st.lists(st.sampled_from(["a", "an", "and", "hand", "I", "it", "two", "Zürich", "今日", "😀"]), max_size=8)


def joined(said: str, *pieces: str) -> str:
    """All that is heard."""
    join = Continuation(said)
    return said + "".join(join.feed(piece) for piece in pieces) + join.flush()


@pytest.mark.parametrize(
    ("said", "text", "heard"),
    [
        # From the start
        (PARIS, PARIS + "abitants.", PARIS + "abitants."),
        ("Hello", "Hello there.", "Hello there."),
        ("I", "It is late.", "It is late."),
        ("[happy] Hi, I", "[happy] Hi, I am Ada.", "[happy] Hi, I am Ada."),
        # From the last sentence
        (PARIS, "It has two million inhabitants.", PARIS + "abitants."),
        ("One. Two is more than", "Two is more than one.", "One. Two is more than one."),
        # From the last words
        ("You can pay by card", "by card or in cash.", "You can pay by card or in cash."),
        ("You can pay by", "by card.", "You can pay by card."),
        ("That is so.", ". And more", "That is so. And more"),
        # Right after the last word, with its space
        ("You can pay", " by card.", "You can pay by card."),
        ("You can pay ", " by card.", "You can pay by card."),
        ("You can pay", " (by card).", "You can pay (by card)."),
        ("A list:", "\n- one", "A list:\n- one"),
        # Right after the last word, without its space
        ("You can pay", "by card.", "You can pay by card."),
        ("You can pay ", "by card.", "You can pay by card."),
        ("That is so.", "And more", "That is so. And more"),
        ("That is so", ". And more", "That is so. And more"),
        ("Call (", "now)", "Call (now)"),
        ("It's", "’s", "It's’s"),
        ("今日は", "世界。", "今日は世界。"),
        ("Hello", "世界", "Hello世界"),
        # A short repetition counts only as whole words
        ("This is a", "and that too.", "This is a and that too."),
        ("Look at the sand", "and the sea.", "Look at the sand and the sea."),
        ("We have an", "an offer.", "We have an offer."),
        ("He went to the", "theatre.", "He went to the theatre."),
        # Nothing was said
        ("", "Hello there.", "Hello there."),
        ("", "\n\n Hello", "Hello"),
        ("", "  ", ""),
    ],
)
def test_joining(said: str, text: str, heard: str) -> None:
    assert joined(said, text) == heard
    for cut in range(len(text) + 1):
        assert joined(said, text[:cut], text[cut:]) == heard
    assert joined(said, *text) == heard


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Hello there. How are", "Hello there."),
        ("Hello there. How are", "Hello"),
        ("Hello there. How are you", "How are you"),
        ("Hello there, my friend. How are", "there, my friend."),
        ("Hello", ""),
        ("Hello", " "),
        ("Hello", "Hello"),
    ],
)
def test_what_only_repeats_is_not_heard(said: str, text: str) -> None:
    assert joined(said, *text) == said


def test_a_last_word_that_occurred_before_is_heard() -> None:
    assert joined("I can help you. I will help", "you.") == "I can help you. I will help you."


def test_text_is_held_back_only_while_it_repeats() -> None:
    join = Continuation("Hello there. How")
    pieces = ["Hello ", "there. ", "How ", "are ", "Hello "]
    assert [join.feed(piece) for piece in pieces] == ["", "", " ", "are ", "Hello "]


def test_after_the_join_everything_passes() -> None:
    join = Continuation("One two")
    join.feed(" three")
    assert join.feed(" One two") == " One two"
    assert join.flush() == ""


@given(WORDS, WORDS, st.data())
def test_the_cuts_make_no_difference(said: list[str], more: list[str], data: st.DataObject) -> None:
    text = " ".join(more)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert joined(" ".join(said), *pieces) == joined(" ".join(said), text)


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=40), st.data())
def test_a_restart_from_the_start_loses_and_doubles_nothing(said: str, rest: str, data: st.DataObject) -> None:
    said = f"[{said}"
    cut = data.draw(st.integers(0, len(said + rest)))
    assert joined(said, (said + rest)[:cut], (said + rest)[cut:]) == said + rest


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_visible_character_of_new_text_is_lost(said: str, text: str) -> None:
    repeated = overlap(said, text.lstrip())
    heard = joined(said, text)[len(said) :]
    assert text.lstrip()[repeated:].strip() in heard or text.strip() in said
