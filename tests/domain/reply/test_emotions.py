"""Emotion tags leave the text, however it was cut into pieces."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reply.emotions import EMOTIONS, NEUTRAL, EmotionFilter
from domain.reply.pieces import Feeling

FRAGMENTS = st.sampled_from(
    [
        "[",
        "]",
        "[[",
        " ",
        "\n",
        "happy",
        "[happy]",
        "[HAPPY] ",
        "[sa",
        "d]",
        "[sad] ",
        "[unknown]",
        "[ſad]",
        "[dİsgust]",
        "hi",
        "é",
    ]
)
TEXTS = st.lists(FRAGMENTS | st.characters(), max_size=20).map("".join)


def filtered(parts: Iterable[str]) -> tuple[str, str]:
    """The words that come out, and the emotion at the end."""
    emotions, words, emotion = EmotionFilter(), "", NEUTRAL
    for part in [*parts, None]:
        words += emotions.flush() if part is None else emotions.feed(part)
        for feeling in emotions.taken():
            assert feeling.emotion != emotion
            emotion = feeling.emotion
    return words, emotion


@given(TEXTS, st.data())
def test_any_cut_gives_the_same_words_and_emotion(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert filtered(pieces) == filtered([text]) == filtered(text)


@given(TEXTS)
def test_an_emotion_is_always_one_that_we_know(text: str) -> None:
    assert filtered([text])[1] in EMOTIONS


@given(TEXTS.filter(lambda text: "[" not in text))
def test_text_without_brackets_passes_at_once(text: str) -> None:
    emotions = EmotionFilter()
    assert emotions.feed(text) == text.lstrip()
    assert emotions.flush() == ""


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_every_emotion_is_recognised(emotion: str) -> None:
    assert filtered([f"[{emotion}] Hello"]) == ("Hello", emotion)


@pytest.mark.parametrize(
    ("text", "words", "emotion"),
    [
        ("Well, [sad] it rains.", "Well, it rains.", "sad"),
        ("Well,[sad]it rains.", "Well,it rains.", "sad"),
        ("[happy] Yes! [sad] No.", "Yes! No.", "sad"),
        ("[Happy] Yes.", "Yes.", "happy"),
        ("[LOVE]Yes.", "Yes.", "love"),
        ("[happy]", "", "happy"),
        ("[happy]\n\nHello", "Hello", "happy"),
        (" \n [happy] Hello", "Hello", "happy"),
        ("[excited] Hello", "[excited] Hello", NEUTRAL),
        ("[happy Hello", "[happy Hello", NEUTRAL),
        ("See [1] and [this](url).", "See [1] and [this](url).", NEUTRAL),
        ("[[happy] Hello]", "[Hello]", "happy"),
        ("[hap[happy]py] Hello", "[happy] Hello", "happy"),
        ("a[", "a[", NEUTRAL),
        ("a[hap", "a[hap", NEUTRAL),
        ("[ſad] Hello", "[ſad] Hello", NEUTRAL),
        ("", "", NEUTRAL),
    ],
)
def test_only_whole_known_tags_are_taken_out(text: str, words: str, emotion: str) -> None:
    assert filtered([text]) == (words, emotion)
    assert filtered(text) == (words, emotion)


def test_a_bracket_is_held_back_only_while_it_may_become_a_tag() -> None:
    emotions = EmotionFilter()
    assert emotions.feed("Hello [") == "Hello "
    assert emotions.feed("hap") == ""
    assert emotions.feed("hazard] x") == "[haphazard] x"
    assert emotions.taken() == ()


def test_the_emotion_is_known_before_the_words_that_follow_it() -> None:
    emotions = EmotionFilter()
    assert emotions.feed("[sad] ") == ""
    assert emotions.taken() == (Feeling("sad"),)
    assert emotions.feed("Hello") == "Hello"


@given(st.text(alphabet="[]hapysd "))
def test_little_is_held_back(text: str) -> None:
    emotions = EmotionFilter()
    emotions.feed(text)
    assert len(emotions.flush()) <= len("[disgust]")
