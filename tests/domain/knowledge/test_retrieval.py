"""Two searches made one, what is worth showing, and what a question follows."""

import pytest

from domain.ai.prompts import Utterance
from domain.knowledge.items import Match
from domain.knowledge.retrieval import (
    BACKGROUND_MOST,
    BACKGROUND_UNKNOWN,
    CONTEXT_MAX,
    FLOOR,
    QUOTABLE,
    SHOWN,
    background,
    best_of,
    follows_up,
    fused,
    in_context,
    merged,
    worth_showing,
)
from domain.sessions import Role


def matches(**scores: float) -> list[Match]:
    return [Match(*pair) for pair in sorted(scores.items(), key=lambda pair: -pair[1])]


def ids(ranking: list[Match]) -> list[str]:
    return [match.passage_id for match in ranking]


def said(*words: str) -> list[Utterance]:
    """A visitor and an avatar in turn, the visitor first."""
    return [Utterance(Role.ASSISTANT if place % 2 else Role.USER, each) for place, each in enumerate(words)]


def test_a_passage_that_both_searches_found_comes_before_those_of_one() -> None:
    lexical, dense = matches(both=0.4, words=0.4), matches(both=0.5, meaning=0.5, far=0.1)
    assert ids(fused(lexical, dense))[0] == "both"


def test_relevance_grows_with_either_score_and_stays_between_0_and_1() -> None:
    ranking = fused(matches(a=1.0, b=0.5), matches(a=1.0, b=1.0, c=0.9, d=-1.0))
    assert ids(ranking) == ["a", "b", "c", "d"]
    assert 1 > ranking[0].score > 0.9
    assert 0 < ranking[-1].score < 0.01


def test_a_passage_that_the_search_by_meaning_did_not_reach_counts_as_its_last() -> None:
    dense = matches(near=0.8, last=0.6)
    scores = {match.passage_id: match.score for match in fused(matches(words=0.2, last=0.2), dense)}
    assert scores["words"] == scores["last"]


def test_without_an_embedder_the_words_alone_decide() -> None:
    assert ids(fused(matches(a=0.9, b=0.3), None)) == ["a", "b"]
    assert fused(matches(a=0.9), None)[0].score > 0.9
    assert fused(matches(a=0.01), None)[0].score < FLOOR


def test_nothing_found_is_nothing() -> None:
    assert fused([], None) == fused([], []) == []


def test_what_every_passage_is_near_to_says_little() -> None:
    """Six passages as near as each other only share a topic with the question; one that stands out answers it."""
    alike = fused([], matches(a=0.4, b=0.4, c=0.4, d=0.4, e=0.4, f=0.4))
    standing_out = fused([], matches(a=0.4, b=0.05, c=0.05, d=0.05, e=0.05, f=0.05))
    assert standing_out[0].score > 2 * alike[0].score


def test_on_a_narrow_topic_many_passages_may_answer() -> None:
    near = dict.fromkeys("abcdefgh", 0.8)
    assert background(matches(**near)) == BACKGROUND_MOST
    assert len(worth_showing(fused([], matches(**near)))) == SHOWN


def test_few_passages_have_the_usual_background() -> None:
    assert background([]) == background(matches(a=0.9, b=0.8)) == BACKGROUND_UNKNOWN


def test_equal_scores_keep_one_order() -> None:
    assert ids(fused(matches(b=0.5, a=0.5), None)) == ["a", "b"]


def test_a_passage_keeps_its_best_score() -> None:
    assert best_of(matches(a=0.2, b=0.3), matches(a=0.9)) == [Match("a", 0.9), Match("b", 0.3)]


def test_at_most_five_are_shown_and_none_below_the_floor() -> None:
    assert ids(worth_showing([Match(str(place), 0.9) for place in range(9)])) == ["0", "1", "2", "3", "4"]
    assert ids(worth_showing(matches(sure=FLOOR, unsure=FLOOR - 0.001))) == ["sure"]


@pytest.mark.parametrize(
    "question",
    [
        "And how much is it?", "What does it cost?", "why?", "And in winter?", "What about students?",
        "Und was kostet die?", "Wie lange dauert das?", "Et le dimanche ?", "¿Y eso?", "それはいくらですか", "冬は？",
        "Which one is lighter?", "Okay, and how much is it?",
    ],
)  # fmt: skip
def test_it_follows_what_was_said(question: str) -> None:
    assert follows_up(question)


@pytest.mark.parametrize(
    "question",
    [
        "How much does an identity card cost?", "Is there parking at the inn?", "Wie warm ist das Wasser im Becken?",
        "海外に発送できますか", "Thank you!", "ok great, bye", "Hello!", "Danke schön", "Merci !",
        "If I order it in the week before Christmas, will the parcel still arrive in time for the holidays?",
    ],
)  # fmt: skip
def test_it_stands_alone(question: str) -> None:
    assert not follows_up(question)


def test_a_follow_up_is_asked_below_what_it_follows() -> None:
    earlier = said("Do you sell tents?", "Yes, two.")
    assert in_context("How heavy are they?", earlier) == "Do you sell tents?\nHow heavy are they?"


def test_a_chain_of_follow_ups_goes_back_to_its_topic() -> None:
    earlier = said(
        "Hours?", "9 to 5.", "Do you sell tents?", "Yes.", "How heavy are they?", "2 kg.", "Thanks!", "Welcome."
    )
    expected = "Do you sell tents?\nHow heavy are they?\nAnd the price?"
    assert in_context("And the price?", earlier) == expected


def test_a_question_that_stands_alone_has_no_context() -> None:
    assert in_context("Where is the lighthouse of Skerry?", said("Do you sell tents?", "Yes.")) is None
    assert in_context("And in winter?", []) is None
    assert in_context("And in winter?", said("Hello!", "Hi there.")) is None


def test_a_long_context_keeps_its_end() -> None:
    context = in_context("And now?", said("x" * 5000 + " the end", "I see."))
    assert context is not None
    assert context.endswith("the end\nAnd now?")
    assert len(context) == CONTEXT_MAX + len("\nAnd now?")


def test_a_question_that_is_merely_short_brings_nothing_of_the_earlier_topic() -> None:
    """What both searches found still counts by the better of its scores."""
    alone, below = matches(photography=0.9, lobby=FLOOR, ferry=0.01), matches(ferry=0.8, lobby=0.7)
    assert ids(merged("Is photography allowed?", alone, below)) == ["photography", "lobby", "ferry"]
    assert merged("Is photography allowed?", alone, below)[1:] == [Match("lobby", 0.7), Match("ferry", 0.01)]


@pytest.mark.parametrize(("question", "sure"), [("For students?", QUOTABLE - 0.01), ("And for students?", QUOTABLE)])
def test_what_it_follows_brings_its_passages_where_the_question_says_so_or_finds_nothing_sure(
    question: str, sure: float
) -> None:
    assert merged(question, matches(course=sure), matches(tickets=0.8)) == [
        Match("tickets", 0.8),
        Match("course", sure),
    ]


def test_a_question_that_follows_nothing_finds_what_it_finds_alone() -> None:
    assert merged("Is photography allowed?", matches(a=0.9, b=0.01)) == matches(a=0.9, b=0.01)
