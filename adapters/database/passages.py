"""Passages in SQL, and the search for them by words."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    column,
    delete,
    func,
    lateral,
    literal_column,
    select,
    true,
)  # fmt: skip
from sqlalchemy import table as named_table

from adapters.database.lists import LIST, listed, of_each, of_list, values_in_postgresql, values_in_sqlite
from adapters.database.statements import Driver, Statement, insertion
from adapters.database.tables import KNOWLEDGE, PASSAGES
from adapters.words import ranking
from adapters.words.terms import hidden, questions_terms
from domain.knowledge.items import Match, Passage
from domain.knowledge.tables import Passages

FIELDS = tuple(field.name for field in fields(Passage))
COLUMNS = tuple(PASSAGES.c[name] for name in FIELDS)
WORDS = named_table("passage_words", column("rowid"))
WHOLE_INDEX: ColumnElement[str] = column("passage_words")
AT_ONCE = 20
COMMON = 4000
"""A word that more passages have says little: it does not bring candidates of its own."""
EXACTLY_RANKED = 100

OF_ITEM = PASSAGES.c.item_id == bindparam("item_id")
OF_AVATAR = PASSAGES.c.avatar_id == bindparam("avatar_id")
IS_LIVE = and_(KNOWLEDGE.c.id == PASSAGES.c.item_id, KNOWLEDGE.c.generation == PASSAGES.c.generation)
LIVE = select(*COLUMNS).join_from(PASSAGES, KNOWLEDGE, IS_LIVE)

ADD_ONE = insertion(PASSAGES, [*COLUMNS, PASSAGES.c.words])
PREFIXES = [f"p{index}_" for index in range(AT_ONCE)]
ADD_MANY = insertion(PASSAGES, [*COLUMNS, PASSAGES.c.words], *PREFIXES)
OF_GENERATION = Statement(
    select(*COLUMNS).where(OF_ITEM, PASSAGES.c.generation == bindparam("generation")).order_by(PASSAGES.c.position),
    is_slow=True,
)
PAGED = PASSAGES.alias("paged")


def page_of(item_id: ColumnElement[str]) -> Select[Any]:
    is_live = and_(KNOWLEDGE.c.id == PAGED.c.item_id, KNOWLEDGE.c.generation == PAGED.c.generation)
    return (
        select(PAGED.c.id)
        .join_from(PAGED, KNOWLEDGE, is_live)
        .where(PAGED.c.item_id == item_id, PAGED.c.position > bindparam("after"))
        .order_by(PAGED.c.position)
        .limit(bindparam("first"))
    )


PAGES = of_each(COLUMNS, PASSAGES.c.id, page_of, [PASSAGES.c.position])
LIVE_BY_ID = of_list(lambda ids: LIVE.where(PASSAGES.c.id.in_(ids)))
LIVE_IDS = Statement(select(PASSAGES.c.id).join_from(PASSAGES, KNOWLEDGE, IS_LIVE).where(OF_AVATAR))
HIT = PASSAGES.alias("hit")
REACH: ColumnElement[int] = bindparam("reach", type_=Integer)
IS_NEAR = and_(
    PASSAGES.c.item_id == HIT.c.item_id,
    PASSAGES.c.generation == HIT.c.generation,
    PASSAGES.c.position.between(HIT.c.position - REACH, HIT.c.position + REACH),
)
# With its own limit PostgreSQL looks it up for each hit, where it might read the whole of a large item.
NEAR = lateral(select(*COLUMNS).where(IS_NEAR).order_by(PASSAGES.c.position).limit(2 * REACH + 1))
IS_LIVE_HIT = and_(KNOWLEDGE.c.id == HIT.c.item_id, KNOWLEDGE.c.generation == HIT.c.generation)
AROUND = Statement(
    select(HIT.c.id.label("hit_id"), *COLUMNS)
    .join_from(HIT, KNOWLEDGE, IS_LIVE_HIT)
    .join(PASSAGES, IS_NEAR)
    .where(HIT.c.id.in_(values_in_sqlite(Text)))
    .order_by(PASSAGES.c.position),
    postgresql=select(HIT.c.id.label("hit_id"), *NEAR.c)
    .join_from(HIT, KNOWLEDGE, IS_LIVE_HIT)
    .join(NEAR, true())
    .where(HIT.c.id.in_(values_in_postgresql(Text)))
    .order_by(NEAR.c.position),
)
IS_ANSWERED_FROM = and_(KNOWLEDGE.c.avatar_id == bindparam("avatar_id"), KNOWLEDGE.c.generation > 0)
ANY = Statement(select(KNOWLEDGE.c.id).where(IS_ANSWERED_FROM).limit(1))
SPOKEN: Any = cast(KNOWLEDGE.c.languages, Text)
LANGUAGES = Statement(select(SPOKEN, func.sum(KNOWLEDGE.c.passage_count)).where(IS_ANSWERED_FROM).group_by(SPOKEN))
WORDS_OF = of_list(
    lambda numbers: (
        select(PASSAGES.c.id, PASSAGES.c.words)
        .join_from(PASSAGES, KNOWLEDGE, IS_LIVE)
        .where(PASSAGES.c.number.in_(numbers))
    ),
    BigInteger,
)
KEEP_ONLY = Statement(delete(PASSAGES).where(OF_ITEM, PASSAGES.c.generation != bindparam("generation")), is_slow=True)

HAVING_TERM = (
    select(WORDS.c.rowid).where(WHOLE_INDEX.op("MATCH")(bindparam("term", type_=Text))).limit(COMMON + 1).subquery()
)
IN_FTS5 = Statement(select(func.json_group_array(HAVING_TERM.c.rowid)))
ASKED = values_in_postgresql(Text).subquery("asked")
TERM = next(iter(ASKED.c))
HAVING = lateral(
    select(PASSAGES.c.number)
    .where(
        func.to_tsvector(literal_column("'simple'"), PASSAGES.c.words).op("@@")(
            func.to_tsquery(literal_column("'simple'"), TERM)
        )
    )
    .limit(COMMON + 1)
)
IN_TSVECTOR = Statement(
    select(TERM, func.array_agg(HAVING.c.number)).select_from(ASKED.join(HAVING, true())).group_by(TERM)
)


class SqlPassages(Passages):
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def add(self, passages: Sequence[Passage], terms: Sequence[str]) -> None:
        rows = [
            {**{name: getattr(passage, name) for name in FIELDS}, "words": words}
            for passage, words in zip(passages, terms, strict=True)
        ]
        whole = len(rows) - len(rows) % AT_ONCE
        for start in range(0, whole, AT_ONCE):
            ADD_MANY.run(
                self._driver,
                **{
                    f"{prefix}{name}": value
                    for prefix, row in zip(PREFIXES, rows[start : start + AT_ONCE], strict=True)
                    for name, value in row.items()
                },
            )
        for row in rows[whole:]:
            ADD_ONE.run(self._driver, **row)

    def of_generation(self, item_id: str, generation: int) -> list[Passage]:
        return [Passage(*row) for row in OF_GENERATION.rows(self._driver, item_id=item_id, generation=generation)]

    def pages(self, item_ids: Collection[str], first: int, after: int) -> dict[str, list[Passage]]:
        pages: dict[str, list[Passage]] = {item_id: [] for item_id in item_ids}
        for row in PAGES.rows(self._driver, first=first, after=after, **{LIST: listed(list(pages))}):
            passage = Passage(*row)
            pages[passage.item_id].append(passage)
        return pages

    def live(self, passage_ids: Sequence[str]) -> list[Passage]:
        rows = LIVE_BY_ID.rows(self._driver, **{LIST: listed(passage_ids)})
        by_id = {row[0]: Passage(*row) for row in rows}
        return [by_id[passage_id] for passage_id in passage_ids if passage_id in by_id]

    def live_ids(self, avatar_id: str) -> list[str]:
        return [passage_id for (passage_id,) in LIVE_IDS.rows(self._driver, avatar_id=avatar_id)]

    def around(self, passage_ids: Sequence[str], reach: int) -> list[tuple[Passage, list[Passage]]]:
        near: dict[str, dict[str, Passage]] = defaultdict(dict)
        for hit_id, *row in AROUND.rows(self._driver, reach=reach, **{LIST: listed(passage_ids)}):
            near[hit_id][row[0]] = Passage(*row)
        return [(near[each][each], list(near[each].values())) for each in passage_ids if each in near]

    def has_any(self, avatar_id: str) -> bool:
        return ANY.row(self._driver, avatar_id=avatar_id) is not None

    def matching(self, avatar_id: str, questions: Sequence[str], limit: int) -> list[list[Match]] | None:
        known = LANGUAGES.rows(self._driver, avatar_id=avatar_id)
        if not known:
            return None
        spoken = sorted({language for languages, _ in known for language in orjson.loads(languages)})
        in_all = sum(count for _, count in known)
        asked = [questions_terms(question, spoken) for question in questions]
        hide = partial(hidden, avatar_id)
        return [self._matching([list(map(hide, group)) for group in groups], in_all, limit) for groups in asked]

    def _matching(self, groups: Sequence[Sequence[str]], in_all: int, limit: int) -> list[Match]:
        """`groups`: for each word of the question the terms that it may be found by. `in_all`: the passages."""
        postings = self._postings([term for group in groups for term in group]) if groups else {}
        if not postings:
            return []
        weighed = ranking.weights(groups, postings, in_all)
        numbers = ranking.candidates(groups, weighed, bringing(postings), EXACTLY_RANKED)
        rows = WORDS_OF.rows(self._driver, **{LIST: listed(numbers.tolist())})
        return ranking.ranked(groups, weighed, {passage_id: words for passage_id, words in rows}, limit)

    def keep_only(self, item_id: str, generation: int) -> None:
        KEEP_ONLY.run(self._driver, item_id=item_id, generation=generation)

    def _postings(self, asked: Sequence[str]) -> ranking.Postings:
        """The numbers of the passages that have each term, those of a generation in the making among them."""
        if self._driver.dialect.name == "postgresql":
            found = {term: numbers for term, numbers in IN_TSVECTOR.rows(self._driver, **{LIST: listed(asked)})}
        else:
            found = {term: orjson.loads(IN_FTS5.scalar(self._driver, term=term)) for term in asked}
        return {term: np.array(numbers, np.int64) for term, numbers in found.items() if numbers}


def bringing(postings: ranking.Postings) -> ranking.Postings:
    """The terms that bring candidates: the rare ones, or all where there are none such."""
    rare = {term: numbers for term, numbers in postings.items() if len(numbers) <= COMMON}
    return rare or postings
