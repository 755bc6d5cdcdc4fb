"""What a voice reads of a reply: all of its words, and none of its markup, addresses and emoji."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.speech.plain_words import tts_text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("**Bold**, *slanted*, _so_ and ~~gone~~.", "Bold, slanted, so and gone."),
        ("**_Both_** and ***all***", "Both and all"),
        ('He said "**no**".', 'He said "no".'),
        ("# Title\n## Part\nText", "Title\nPart\nText"),
        ("> Quoted\n>> twice", "Quoted\n> twice"),
        ("- one\n* two\n  + three", "one\ntwo\nthree"),
        ("a  b\t\tc", "a b c"),
        ("  Hello \n", "Hello"),
    ],
)
def test_markup_is_not_read(text: str, read: str) -> None:
    assert tts_text(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "snake_case and an_other_one",
        "5 * 3 = 15 and 2*3, or 2**10",
        "Fill in ____ please",
        "It costs $5 - or less - at 100%!",
        "a > b, C# and #1",
        "моя_переменная",
        "[1] as they say (really)",
        "Take list[1] and then [2], as the RFC says [10].",
        "Wow! That is it…",
    ],
)
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert tts_text(text) == text


@pytest.mark.parametrize("text", ["1. Open it.\n2. Close it.", "42. That is the answer.", "10. Mai 2026"])
def test_numbers_are_words(text: str) -> None:
    assert tts_text(text) == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("See [our docs](https://a.example/b) now.", "See our docs now."),
        ("See [Ava](https://a.example/Ava_(film) 'x') now.", "See Ava now."),
        ("Look: ![a cat](cat.png)!", "Look: a cat!"),
        ("Go to https://a.example/c?d=1. Then wait.", "Go to. Then wait."),
        ("Go to www.a.example, or <https://a.example>!", "Go to, or!"),
        ("Our site (HTTPS://a.example/b) is new.", "Our site is new."),
        ("(see https://a.example/b)", "(see)"),
        ("https://de.example/wiki/Köln ist gut", "ist gut"),
        ("awww. Nice", "awww. Nice"),
    ],
)
def test_addresses_are_not_read(text: str, read: str) -> None:
    assert tts_text(text) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("At nine [1].", "At nine."),
        ("At nine[1][2]. On Sundays at ten [1] [2].", "At nine. On Sundays at ten."),
        ("- [1] At nine", "At nine"),
        ("Of 12 [12], as in [3].", "Of 12, as in [3]."),
        ("Take `list[1]` there [1], and rows[4].", "Take list[1] there, and rows[4]."),
    ],
)
def test_only_the_numbers_of_sources_are_not_read(text: str, read: str) -> None:
    assert tts_text(text, {1, 2, 12}) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Use `make run` now.", "Use make run now."),
        ("Like this:\n```python\nprint(1)\n```\nDone.", "Like this:\n \nDone."),
        ("Like this: ```never closed", "Like this:"),
    ],
)
def test_code_blocks_are_not_read_but_code_in_a_sentence_is(text: str, read: str) -> None:
    assert tts_text(text) == read


@pytest.mark.parametrize(
    "emoji",
    ["👋", "❤️", "👩‍💻", "❤️‍🔥", "👍🏽", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "⏰", "⌚", "☀️", "⭐", "✅", "🧑‍🤝‍🧑"],
)
def test_emoji_are_not_read(emoji: str) -> None:
    assert tts_text(f"Hello {emoji} you{emoji}") == "Hello you"


def test_the_digit_of_a_keycap_is_read() -> None:
    assert tts_text("Press 1️⃣ now") == "Press 1 now"


def test_joiners_within_words_stay() -> None:
    assert tts_text("ශ්‍රී ලංකාව, علی‌رضا") == "ශ්‍රී ලංකාව, علی‌رضا"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("这是**重点**内容。", "这是重点内容。"),
        ("请看https://a.example/b。谢谢！", "请看。谢谢！"),
        ("请看https://a.example谢谢", "请看谢谢"),
        ("詳しくは[こちら](https://a.example)へ。", "詳しくはこちらへ。"),
        ("안녕하세요 **여러분**은", "안녕하세요 여러분은"),
        ("你好👋，世界", "你好，世界"),
    ],
)
def test_languages_without_spaces(text: str, read: str) -> None:
    assert tts_text(text) == read


@given(
    st.text(
        alphabet=st.characters(whitelist_categories=["Lu", "Ll", "Lo", "Nd"]) | st.sampled_from(" ,.!?"), max_size=80
    )
)
def test_no_word_is_lost(text: str) -> None:
    kept = "".join(tts_text(text).split())
    assert kept == "".join(text.split()) or "www." in text


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "[](",
        "[a](()",
        "*",
        "*a",
        "`",
        "`a",
        " [1]`",
        " ",
        " \t",
        "\n",
        "www.",
        "http://",
        "(www.a",
        "<http://",
        "#",
        "> ",
    ],
)
def test_hostile_text_is_read_without_backtracking(unit: str) -> None:
    """A pattern that backtracks would keep this test busy for minutes, and the server as long for one reply."""
    assert tts_text(f"Hello {unit * 100_000}").startswith("Hello")
