"""Column types that speak the domain's own words: instants, choices, traits and sources."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, TIMESTAMP, BigInteger, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.sessions import Citation

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
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("The database takes times that know their zone.")
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else datetime.fromisoformat(value)


class Choice(TypeDecorator[StrEnum]):
    """One of the domain's words, stored as plain text: a new word needs no migration."""

    impl = String
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: StrEnum | None, _dialect: Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.choices(value)


class Words(TypeDecorator[Sequence[str]]):
    """A tuple of strings as a JSON array."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, _dialect: Dialect) -> list[str]:
        return list(value or ())

    def process_result_value(self, value: list[str] | None, _dialect: Dialect) -> tuple[str, ...]:
        return tuple(value or ())


class Citations(TypeDecorator[Sequence[Citation]]):
    """A reply's sources as a JSON array of objects. No sources are NULL: most messages have none."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Sequence[Citation] | None, _dialect: Dialect) -> Any:
        return [{"title": one.title, "relevance": one.relevance} for one in value or ()] or None

    def process_result_value(self, value: Any, _dialect: Dialect) -> tuple[Citation, ...]:
        return tuple(Citation(one["title"], one["relevance"]) for one in value or ())
