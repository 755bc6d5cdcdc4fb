"""Statements that are given a whole list, whatever its length."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Select, Text, bindparam, cast, func, select, true
from sqlalchemy.sql import FromClause

from adapters.database.statements import Core, Statement

LIST = "list"


def of_list(core_of: Callable[[Select[Any]], Core], kind: Any = Text) -> Statement:
    """`core_of` gets a subquery of the values; they are passed as `list`, by `listed`."""
    return Statement(core_of(values_in_sqlite(kind)), postgresql=core_of(values_in_postgresql(kind)))


def of_each(
    columns: Sequence[Column[Any]],
    id_: Column[Any],
    chosen: Callable[[ColumnElement[str]], Select[Any]],
    order: Sequence[ColumnElement[Any]],
) -> Statement:
    """The rows whose ids are `chosen` for each value of the list.

    PostgreSQL would look the ids up anew for each row of the table, and SQLite has no lateral joins.
    """
    asked = values_in_sqlite(Text).subquery("asked")
    in_sqlite = select(*columns).select_from(asked).join(id_.table, true()).where(id_.in_(chosen(only_column(asked))))
    asked = values_in_postgresql(Text).subquery("asked")
    found = chosen(only_column(asked)).lateral("found")
    joined = asked.join(found, true()).join(id_.table, id_ == only_column(found))
    return Statement(in_sqlite.order_by(*order), postgresql=select(*columns).select_from(joined).order_by(*order))


def only_column(values: FromClause) -> ColumnElement[Any]:
    return next(iter(values.c))


def values_in_sqlite(kind: Any) -> Select[Any]:
    return select(as_kind(func.json_each(bindparam(LIST, type_=Text)).table_valued("value").c.value, kind))


def values_in_postgresql(kind: Any) -> Select[Any]:
    values = func.json_array_elements_text(cast(bindparam(LIST, type_=Text), JSON)).table_valued("value")
    return select(as_kind(values.c.value, kind))


def as_kind(value: ColumnElement[Any], kind: Any) -> ColumnElement[Any]:
    return cast(value, kind)


def listed(values: Sequence[str] | Sequence[int]) -> str:
    return json.dumps(list(values))
