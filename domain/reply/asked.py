"""What a speaker is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.ai.prompts import Utterance
from domain.avatars import Avatar
from domain.knowledge.retrieval import NOTHING, Recalled
from domain.telemetry import Effort


@dataclass(frozen=True, slots=True)
class Asked:
    """A visitor's newest words, and what there is to answer them with.

    `earlier` is the conversation before them. `first`: the server knows of none, so the avatar may greet.
    `informed`: the avatar has knowledge to answer from. `effort` is where whoever answers keeps account of it.
    """

    avatar: Avatar
    question: str = field(repr=False)
    earlier: Sequence[Utterance]
    first: bool
    informed: bool
    effort: Effort
    recalled: Recalled = NOTHING
