"""Column types that speak the domain's own words: instants, choices, words and citations.

They give SQLAlchemy whole converters in place of its `process_…_value` hooks: a converter runs for
every value of every row, and the hooks would add two calls to each.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, TIMESTAMP, BigInteger, Dialect, Float, Integer, String
from sqlalchemy.types import TypeDecorator, TypeEngine

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
        return {choice: choice.value for choice in self.choices}.__getitem__

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Converter:
        return {choice.value: choice for choice in self.choices}.__getitem__


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
    """A reply's sources as a JSON array of pairs. None are NULL: most messages have none."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Sequence[Citation] | None, _dialect: Dialect) -> Any:
        return [(citation.title, citation.relevance) for citation in value or ()] or None

    def result_processor(self, dialect: Dialect, coltype: object) -> Converter:
        parse = json_parser(dialect, coltype)
        return lambda text: tuple([Citation(*pair) for pair in parse(text)]) if text else ()


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
