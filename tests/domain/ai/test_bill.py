"""What a model's answer costs."""

import pytest

from domain.ai.bill import Bill
from domain.ai.models import BY_ID, Candidate
from domain.ai.prompts import Prompt, Utterance, estimated_tokens
from domain.ai.providers import TokenCount
from domain.avatars import AiProvider
from domain.sessions import NO_USAGE, Role, Usage

LLAMA = Candidate(AiProvider.GROQ, "llama-3.3-70b-versatile")
PROMPT = Prompt("You are Ada.", (Utterance(Role.USER, "Who are you?"),))


@pytest.fixture
def bill() -> Bill:
    return Bill(LLAMA, PROMPT)


def test_a_model_that_gave_nothing_costs_nothing(bill: Bill) -> None:
    bill.said("")
    assert bill.usage() == NO_USAGE


def test_a_models_own_count_is_believed(bill: Bill) -> None:
    bill.said("I am Ada.")
    bill.counted(TokenCount(9, 3))
    assert bill.usage() == Usage(9, 3, BY_ID[LLAMA.id].cost(9, 3))


def test_what_is_not_counted_is_estimated(bill: Bill) -> None:
    bill.said("I am ")
    bill.said("Ada.")
    asked, said = estimated_tokens("You are Ada.") + estimated_tokens("Who are you?"), estimated_tokens("I am Ada.")
    assert bill.usage() == Usage(asked, said, BY_ID[LLAMA.id].cost(asked, said), estimated=True)


def test_a_model_that_goes_on_for_another_is_asked_more_and_pays_for_it() -> None:
    going_on = Bill(LLAMA, Prompt(PROMPT.system, PROMPT.utterances, said="I am"))
    first = Bill(LLAMA, PROMPT)
    going_on.said(" Ada.")
    first.said(" Ada.")
    assert going_on.usage().input_tokens > first.usage().input_tokens


def test_bills_add_up() -> None:
    assert Usage(1, 2, 0.5) + Usage(10, 20, 0.25, estimated=True) == Usage(11, 22, 0.75, estimated=True)
    assert Usage(1, 2, 0.5) + NO_USAGE == Usage(1, 2, 0.5)
