"""What an avatar says when no AI provider speaks for it."""

from dataclasses import replace

import pytest

from domain.answerer import NOT_CONFIGURED, UNREACHABLE, answer
from domain.avatars import AvatarSettings

AVA = AvatarSettings("ava", "Ava", "https://models.example/ava.glb", tagline="I sell tea", greeting="Hello there!")


def said(settings: AvatarSettings, configured: bool = False, first: bool = True) -> str:
    return "".join(answer(settings, configured=configured, first=first))


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
    assert answer(AVA, configured=False, first=True) == ["Hello there! ", "I am Ava. ", "I sell tea. ", NOT_CONFIGURED]
