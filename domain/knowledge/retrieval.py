"""Finding the passages that answer a question: two searches made one, and what is shown of them."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from operator import attrgetter

from domain.ai.prompts import Utterance
from domain.knowledge.items import Match, Passage
from domain.sessions import Citation, Role

CANDIDATES = 64
SHOWN = 5
REACH = 1
FLOOR = 0.05
"""What a model is told may be this unsure: it reads the passages itself, and cites those that answer."""
QUOTABLE = 0.2
"""What is quoted as the answer has to be surer, since nobody checks it."""
CONTEXT_MAX = 400
FOLLOW_UP_WORDS = 12
NEARER = 5
BACKGROUND_MOST = 0.45
BACKGROUND_UNKNOWN = 0.2


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores become a relevance: `1 / (1 + exp(-(bias + dense * nearness + lexical * share)))`.

    `nearness` is how far a passage's cosine stands above the background, `share` its lexical score. The weights are
    a logistic regression over the labelled questions (`python -m bench.quality.calibration`), so that of the
    passages with relevance r about the share r answers its question.
    """

    bias: float
    dense: float
    lexical: float

    def relevance(self, nearness: float, share: float) -> float:
        return 1 / (1 + math.exp(-(self.bias + self.dense * nearness + self.lexical * share)))


LEXICAL_ONLY = Calibration(bias=-4.29, dense=0.0, lexical=11.15)
HYBRID = Calibration(bias=-4.69, dense=14.71, lexical=7.21)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is told to a model and shown to a visitor: a passage joined with its neighbours.

    `number` is what the model cites it by, from 1. `relevance` is from 0 to 1.
    """

    number: int
    relevance: float
    passage: Passage
    text: str = field(repr=False)

    @property
    def title(self) -> str:
        return self.passage.title

    def citation(self) -> Citation:
        passage = self.passage
        return Citation(
            title=passage.title,
            relevance=round(self.relevance, 2),
            number=self.number,
            knowledge_id=passage.item_id,
            passage_id=passage.id,
            url=passage.url,
            page=passage.page,
        )


@dataclass(frozen=True, slots=True)
class Recalled:
    """`knows_anything` is False for an avatar without knowledge, whose findings say nothing."""

    findings: tuple[Finding, ...] = ()
    knows_anything: bool = False


NOTHING = Recalled()


def fused(lexical: Sequence[Match], dense: Sequence[Match] | None) -> list[Match]:
    """Both searches as one, scored with the relevance, best first. `dense` is None without an embedder.

    A passage that only one search found takes the least of the other's scores: it may have been just beyond its end.
    """
    calibration = LEXICAL_ONLY if dense is None else HYBRID
    shares, cosines = dict(lexical), dict(dense or ())
    far, usual = min(cosines.values(), default=0.0), background(dense or ())
    relevances = {
        passage_id: calibration.relevance(cosines.get(passage_id, far) - usual, shares.get(passage_id, 0.0))
        for passage_id in {*shares, *cosines}
    }
    return by_score(relevances)


def background(dense: Sequence[Match]) -> float:
    """The cosine of a passage that is near by its general topic only: the best five may answer, the next one hardly.

    Bounded, since on a narrow topic many passages may answer.
    """
    return min(dense[NEARER].score, BACKGROUND_MOST) if len(dense) > NEARER else BACKGROUND_UNKNOWN


def best_of(*rankings: Sequence[Match]) -> list[Match]:
    """Each passage with the best of its scores, best first."""
    if len(rankings) == 1:
        return list(rankings[0])
    best: dict[str, float] = {}
    for match in (match for ranking in rankings for match in ranking):
        best[match.passage_id] = max(match.score, best.get(match.passage_id, 0.0))
    return by_score(best)


def by_score(scored: Mapping[str, float]) -> list[Match]:
    """Best first, and those that are as good by their ids."""
    return sorted(starmap(Match, sorted(scored.items())), key=attrgetter("score"), reverse=True)


def worth_showing(ranking: Sequence[Match]) -> list[Match]:
    """Those above the floor: an unrelated question brings none."""
    return [match for match in ranking[:SHOWN] if match.score >= FLOOR]


REFERS_BACK = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|(?<!is )(?<!are )there|he|she|him|her|ones?|same|else|too|also|"
    r"es|er|sie|ihn|ihm|das(?=\W*$)|dies|diese|dieser|dieses|damit|dafür|dazu|davon|dort|"
    r"elle|ils|elles|cela|ça|celui|celle|eso|esto|ese|esa|ello|ellos|ellas|allí)\b|それ|その|そこ|これ|この",
    re.IGNORECASE,
)
GOES_ON = re.compile(
    r"^\W*(and|or|but|so|then|also|what about|how about|why|und|oder|aber|auch|dann|et|ou|mais|alors|y|o|pero)\b",
    re.IGNORECASE,
)
COURTESY = re.compile(
    r"^\W*((thanks?|ok|okay|great|nice|cool|hello|hi|hey|bye|goodbye|danke|hallo|tschüs+|merci|bonjour|salut|"
    r"gracias|hola|adiós)\b|ありがとう|こんにちは)",
    re.IGNORECASE,
)
SPOKEN_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]{1,2}|[^\W\u3040-\u30ff\u4e00-\u9fff]+")
VERY_SHORT = 3
COURTESY_WORDS = 4


def follows_up(question: str) -> bool:
    """Whether a question can only be understood from what was said before it."""
    words = len(SPOKEN_WORD.findall(question))
    if words > FOLLOW_UP_WORDS or is_courtesy(question):
        return False
    return words <= VERY_SHORT or refers_back(question)


def refers_back(question: str) -> bool:
    """Whether its own words say that something came before it."""
    return bool(GOES_ON.search(question) or REFERS_BACK.search(question))


def is_courtesy(words: str) -> bool:
    """Whether it only greets or thanks."""
    short = len(SPOKEN_WORD.findall(words)) <= COURTESY_WORDS
    return short and "?" not in words and bool(COURTESY.match(words))


def in_context(question: str, earlier: Sequence[Utterance]) -> str | None:
    """The question below what it follows: the visitor's words from the last ones that stand alone. None if it does."""
    if not follows_up(question):
        return None
    followed: list[str] = []
    for turn in reversed(earlier):
        if turn.role is Role.USER and not is_courtesy(turn.content):
            followed.insert(0, turn.content)
            if not follows_up(turn.content):
                break
    return "\n".join(["\n".join(followed)[-CONTEXT_MAX:], question]) if followed else None


def merged(question: str, alone: Sequence[Match], *below: Sequence[Match]) -> list[Match]:
    """What a question finds alone and `below` what it follows: each passage with the best of its scores, best first.

    A question that is merely short may be complete. Where it finds something sure alone, what it follows only tells
    which of its own passages are meant, and adds none.
    """
    if refers_back(question) or not any(match.score >= QUOTABLE for match in alone):
        return best_of(alone, *below)
    own = {match.passage_id for match in alone if match.score >= FLOOR}
    return best_of(alone, *([match for match in ranking if match.passage_id in own] for ranking in below))


def joined(passages: Sequence[Passage]) -> str:
    """Neighbours as one text, in their order."""
    return "\n\n".join(passage.text for passage in passages)
