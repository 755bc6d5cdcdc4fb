"""The system prompt that an avatar's soul makes."""

from dataclasses import replace

import pytest

from domain.avatars import AvatarSettings, QuizDifficulty
from domain.reply.emotions import EMOTIONS
from domain.souls import QUIZ, RULES, system_prompt

AVA = AvatarSettings("ava", "Ava", "https://models.example/ava.glb")


def test_a_prompt_of_a_bare_soul() -> None:
    assert system_prompt(AVA) == (f"You are Ava, a 3D character that talks with visitors of a web site.\n\n{RULES}")


def test_a_prompt_of_a_whole_soul() -> None:
    soul = replace(AVA, tagline="I sell tea.", personality="Calm.", traits=("kind", "brief"), tone="warm")
    assert system_prompt(soul) == (
        "You are Ava, a 3D character that talks with visitors of a web site. I sell tea.\n\n"
        "Personality: Calm.\nTraits: kind, brief.\nTone: warm.\n\n"
        f"{RULES}"
    )


@pytest.mark.parametrize("difficulty", QuizDifficulty)
def test_quiz_mode_says_how_hard_to_ask(difficulty: QuizDifficulty) -> None:
    prompt = system_prompt(replace(AVA, quiz_mode=True, quiz_difficulty=difficulty))
    assert "Quiz mode" in prompt
    assert [level for level in QuizDifficulty if QUIZ[level] in prompt] == [difficulty]


def test_without_quiz_mode_its_difficulty_says_nothing() -> None:
    assert system_prompt(replace(AVA, quiz_difficulty=QuizDifficulty.HARD)) == system_prompt(AVA)


def test_the_rules_name_every_emotion() -> None:
    assert all(emotion in RULES for emotion in EMOTIONS)


@pytest.mark.parametrize(
    "change", [{"voice_id": "nova"}, {"greeting": "Hello"}, {"slug": "eva"}, {"ai_model": "m"}, {"is_public": False}]
)
def test_what_is_no_part_of_the_soul_changes_nothing(change: dict[str, object]) -> None:
    assert system_prompt(replace(AVA, **change)) == system_prompt(AVA)  # type: ignore[arg-type]
