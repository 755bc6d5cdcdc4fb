"""Column types that speak the domain's own words: instants, choices, words and citations.

They give SQLAlchemy whole converters in place of its `process_…_value` hooks: a converter runs for
every value of every row, and the hooks would add two calls to each.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, TIMESTAMP, BigInteger, Dialect, Float, Integer, String
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.knowledge.items import Crawl
from domain.sessions import Citation

Converter = Callable[[Any], Any]

Position = BigInteger().with_variant(Integer, "sqlite")
"""A growing number. SQLite counts by itself only in a column of its type INTEGER."""


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond.

    `timestamptz` on PostgreSQL. SQLite has no such type: there it is ISO text of one width, so that
    the order of the texts is the order of the moments.
    """

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return TIMESTAMP(timezone=True) if dialect.name == "postgresql" else String()

    def bind_processor(self, dialect: Dialect) -> Converter:
        return utc if dialect.name == "postgresql" else utc_text

    def result_processor(self, dialect: Dialect, _coltype: object) -> Converter:
        return utc if dialect.name == "postgresql" else utc_from_text


class Choice(TypeDecorator[StrEnum]):
    """One of the domain's words, stored as plain text: a new word needs no migration."""

    impl = String
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def bind_processor(self, _dialect: Dialect) -> Converter:
        values: dict[StrEnum | None, str | None] = {None: None, **{choice: choice.value for choice in self.choices}}
        return values.__getitem__

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Converter:
        choices: dict[str | None, StrEnum | None] = {None: None, **{choice.value: choice for choice in self.choices}}
        return choices.__getitem__


class Amount(TypeDecorator[float]):
    """A float on both databases, as their drivers give it."""

    impl = Float
    cache_ok = True

    def result_processor(self, _dialect: Dialect, _coltype: object) -> None:
        """None is needed."""


class Words(TypeDecorator[Sequence[str]]):
    """A tuple of strings as a JSON array."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Converter:
        parse = json_parser(dialect, coltype)
        return lambda text: tuple(parse(text))


class Citations(TypeDecorator[Sequence[Citation]]):
    """A reply's sources as a JSON array of objects. None are NULL: most messages have none.

    Replies of the first version have pairs of title and relevance in place of objects.
    """

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Sequence[Citation] | None, _dialect: Dialect) -> Any:
        return [asdict(citation) for citation in value or ()] or None

    def result_processor(self, dialect: Dialect, coltype: object) -> Converter:
        parse = json_parser(dialect, coltype)
        return lambda text: tuple([citation_of(stored) for stored in parse(text)]) if text else ()


def citation_of(stored: Any) -> Citation:
    return Citation(**stored) if isinstance(stored, dict) else Citation(*stored)


class Crawling(TypeDecorator[Crawl]):
    """Which pages of a site to read, as a JSON object."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Crawl | None, _dialect: Dialect) -> Any:
        return asdict(value) if value else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Converter:
        parse = json_parser(dialect, coltype)
        return lambda text: crawl_of(parse(text)) if text else None


class Payload(TypeDecorator[Mapping[str, str]]):
    """A job's own words, as JSON text that is the same for the same words, so that it can be compared."""

    impl = String
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Converter:
        return lambda payload: json.dumps(dict(payload), sort_keys=True)

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Converter:
        return json.loads


def crawl_of(stored: Any) -> Crawl:
    return Crawl(stored["max_pages"], stored["max_depth"], tuple(stored["include"]), tuple(stored["exclude"]))


def utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("The database takes times that know their zone.")
    return moment.astimezone(UTC)


def utc_text(moment: datetime | None) -> str | None:
    known = utc(moment)
    return known.isoformat(timespec="microseconds") if known else None


def utc_from_text(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def json_parser(dialect: Dialect, coltype: object) -> Converter:
    return JSON().dialect_impl(dialect).result_processor(dialect, coltype) or (lambda value: value)
