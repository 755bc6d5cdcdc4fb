"""What is sent to a model."""

from hypothesis import given
from hypothesis import strategies as st

from domain.ai.prompts import GO_ON, UTTERANCE_OVERHEAD, Prompt, Utterance, client_history, estimated_tokens, fitting
from domain.sessions import Role

SYSTEM = "You are Ada."
UTTERANCES = st.lists(st.builds(Utterance, st.sampled_from(Role), st.text(min_size=1, max_size=60)), max_size=12)


def user(content: str) -> Utterance:
    return Utterance(Role.USER, content)


def avatar(content: str) -> Utterance:
    return Utterance(Role.ASSISTANT, content)


def size(utterances: tuple[Utterance, ...]) -> int:
    return estimated_tokens(SYSTEM) + sum(
        estimated_tokens(utterance.content) + UTTERANCE_OVERHEAD for utterance in utterances
    )


def test_messages_are_the_system_prompt_and_the_turns() -> None:
    prompt = Prompt(SYSTEM, (user("Hello"), avatar("Hi!"), user("Who are you?")))
    assert prompt.messages() == [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi!"},
        {"role": "user", "content": "Who are you?"},
    ]


def test_a_model_that_takes_over_is_told_what_was_said() -> None:
    prompt = Prompt(SYSTEM, (user("Who are you?"),), said="I am A")
    assert prompt.messages()[-2:] == [
        {"role": "assistant", "content": "I am A"},
        {"role": "user", "content": GO_ON},
    ]


def test_a_prompt_does_not_show_its_words() -> None:
    shown = repr(Prompt("secret soul", (user("secret question"),), said="secret answer"))
    assert "secret" not in shown


def test_everything_is_kept_where_it_fits() -> None:
    utterances = [user("Hello"), avatar("Hi!"), user("Who are you?")]
    assert fitting(SYSTEM, utterances, 1_000).utterances == tuple(utterances)


def test_the_oldest_turns_go_first() -> None:
    utterances = [user("old " * 30), avatar("older " * 30), user("new"), avatar("newer"), user("newest")]
    budget = size(tuple(utterances[2:]))
    assert fitting(SYSTEM, utterances, budget).utterances == tuple(utterances[2:])


def test_the_kept_history_starts_with_the_visitor() -> None:
    utterances = [user("old " * 30), avatar("newer"), user("newest")]
    assert fitting(SYSTEM, utterances, size(tuple(utterances[1:]))).utterances == (utterances[2],)


def test_the_last_turn_stays_though_it_does_not_fit() -> None:
    assert fitting(SYSTEM, [user("old"), user("new " * 1_000)], 10).utterances == (user("new " * 1_000),)


@given(UTTERANCES, st.integers(0, 400))
def test_what_is_kept_is_the_end_and_fits(utterances: list[Utterance], budget: int) -> None:
    kept = fitting(SYSTEM, utterances, budget).utterances
    assert kept == tuple(utterances[len(utterances) - len(kept) :])
    assert bool(kept) == bool(utterances)
    assert len(kept) <= 1 or size(kept) <= budget
    assert len(kept) <= 1 or kept[0].role is Role.USER


@given(st.text())
def test_the_estimate_is_an_upper_bound_for_bytes(text: str) -> None:
    assert estimated_tokens(text) * 3 > len(text.encode())


def test_a_clients_history_may_repeat_the_message() -> None:
    history = [user("Hello"), avatar("Hi!"), user("Who are you?")]
    assert client_history(history, "Who are you?") == history[:2]


def test_a_clients_history_is_kept_where_it_repeats_nothing() -> None:
    history = [user("Hello"), avatar("Who are you?")]
    assert client_history(history, "Who are you?") == history
    assert client_history([], "Hello") == []
