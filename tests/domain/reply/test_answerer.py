"""What an avatar says when no AI provider speaks for it."""

from dataclasses import replace

import pytest

from domain.avatars import AvatarSettings
from domain.knowledge.items import Passage
from domain.knowledge.retrieval import QUOTABLE, Finding, Recalled
from domain.reply.answerer import ASK, NOT_CONFIGURED, UNKNOWN, UNREACHABLE, answer

AVA = AvatarSettings("ava", "Ava", "https://models.example/ava.glb", tagline="I sell tea", greeting="Hello there!")


def said(settings: AvatarSettings, configured: bool = False, first: bool = True) -> str:
    return "".join(answer(settings, "Who are you?", Recalled(), configured=configured, first=first))


def test_without_a_provider_it_presents_itself_and_says_so() -> None:
    assert said(AVA) == f"Hello there! I am Ava. I sell tea. {NOT_CONFIGURED}"


def test_it_greets_once_in_a_conversation() -> None:
    assert said(AVA, first=False) == f"I am Ava. I sell tea. {NOT_CONFIGURED}"


def test_with_a_provider_that_is_down_it_says_so() -> None:
    assert said(AVA, configured=True) == f"I am Ava. {UNREACHABLE}"


def test_it_does_not_give_its_name_twice() -> None:
    assert said(replace(AVA, greeting="Hi, I am Ava!")) == f"Hi, I am Ava! I sell tea. {NOT_CONFIGURED}"


def test_it_leaves_out_what_it_does_not_have() -> None:
    assert said(replace(AVA, greeting="", tagline=None)) == f"I am Ava. {NOT_CONFIGURED}"
    assert said(replace(AVA, greeting="", tagline="")) == f"I am Ava. {NOT_CONFIGURED}"


@pytest.mark.parametrize(
    ("greeting", "begins"),
    [("Welcome", "Welcome. I am"), ("Welcome…", "Welcome… I am"), ("你好！", "你好！ I am"), ("はい？", "はい？ I am")],
)
def test_every_sentence_ends(greeting: str, begins: str) -> None:
    assert said(replace(AVA, greeting=greeting)).startswith(begins)


def test_it_speaks_a_sentence_at_a_time() -> None:
    assert answer(AVA, "Who are you?", Recalled(), configured=False, first=True) == [
        "Hello there! ",
        "I am Ava. ",
        "I sell tea. ",
        NOT_CONFIGURED,
    ]


def a_finding(text: str, number: int = 1, relevance: float = 0.9) -> Finding:
    return Finding(number, relevance, Passage(str(number), "avatar", "item", 1, number, text, "Tea"), text)


def answered(question: str, *findings: Finding, first: bool = False) -> str:
    recalled = Recalled(findings, knows_anything=True)
    return "".join(answer(AVA, question, recalled, configured=False, first=first))


def test_it_quotes_the_sentences_that_were_asked_for_and_cites_them() -> None:
    text = "Our shop is old. Green tea costs 4.50 for a tin. It comes from Uji. Cups are extra. Bring a bag."
    expected = "Green tea costs 4.50 for a tin. It comes from Uji. Cups are extra. [1]"
    assert answered("What does green tea cost?", a_finding(text)) == expected


def test_it_cites_each_passage_that_it_quotes_and_two_at_most() -> None:
    findings = [a_finding(f"Tea number {number} is fine", number) for number in (1, 2, 3)]
    assert answered("Which tea?", *findings) == "Tea number 1 is fine. [1] Tea number 2 is fine. [2]"


def test_a_passage_cites_no_other() -> None:
    forged, other = a_finding("Tea is free [2]. All say so [1, 2][^2].", 1, 0.9), a_finding("Tea costs 4.50.", 2, 0.5)
    assert answered("What does tea cost?", forged, other) == "Tea is free. All say so. [1]"
    assert answered("What does tea cost?", a_finding("[2]")) == ""


def test_without_shared_words_it_quotes_the_beginning() -> None:
    assert answered("なに？", a_finding("One. Two. Three. Four.")) == "One. Two. Three. [1]"


def test_markup_is_not_spoken() -> None:
    text = "## Prices\n\n- **Green** tea is `4.50`\n| Mint | tea |"
    assert answered("tea", a_finding(text)) == "Green tea is 4.50. Mint: tea. [1]"


def test_what_is_not_sure_enough_is_not_quoted() -> None:
    unsure = a_finding("Green tea costs 4.50.", relevance=QUOTABLE - 0.01)
    assert answered("Do you have red tea?", unsure) == UNKNOWN
    assert answered("And green tea?", unsure, a_finding("It does.", 2, QUOTABLE)) == "It does. [2]"


def test_beside_a_clear_answer_it_quotes_no_unclear_one() -> None:
    clear, unclear = a_finding("Tea is hot.", 1, 0.9), a_finding("Tea is old.", 2, 0.5)
    assert answered("How is tea?", clear, unclear) == "Tea is hot. [1]"
    assert answered("How is tea?", replace(clear, relevance=0.6), unclear) == "Tea is hot. [1] Tea is old. [2]"


@pytest.mark.parametrize("words", ["Hello!", "thanks a lot"])
def test_to_a_greeting_it_quotes_nothing(words: str) -> None:
    assert answered(words, a_finding("Hello! Thanks for coming.")) == ASK
    assert answered(words, first=True) == f"Hello there! {ASK}"


@pytest.mark.parametrize(
    "asked", ["Who are you?", "what's your name", "Wer bist du?", "¿Quién eres?", "あなたは誰ですか？"]
)
def test_asked_about_itself_it_presents_itself(asked: str) -> None:
    assert answered(asked) == f"I am Ava. I sell tea. {ASK}"
    assert answered(asked, a_finding("We are two sisters.")) == "We are two sisters. [1]"


def test_it_says_that_it_does_not_know() -> None:
    assert answered("Who won?") == UNKNOWN
    assert answered("Who won?", first=True) == f"Hello there! {UNKNOWN}"
