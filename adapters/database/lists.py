"""Statements that are given a whole list, whatever its length."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import JSON, ColumnElement, Select, Text, bindparam, cast, func, select

from adapters.database.statements import Core, Statement

LIST = "list"


def of_list(core_of: Callable[[Select[Any]], Core], kind: Any = Text) -> Statement:
    """`core_of` gets a subquery of the values; they are passed as `list`, by `listed`."""
    return Statement(core_of(values_in_sqlite(kind)), postgresql=core_of(values_in_postgresql(kind)))


def values_in_sqlite(kind: Any) -> Select[Any]:
    return select(as_kind(func.json_each(bindparam(LIST, type_=Text)).table_valued("value").c.value, kind))


def values_in_postgresql(kind: Any) -> Select[Any]:
    values = func.json_array_elements_text(cast(bindparam(LIST, type_=Text), JSON)).table_valued("value")
    return select(as_kind(values.c.value, kind))


def as_kind(value: ColumnElement[Any], kind: Any) -> ColumnElement[Any]:
    return cast(value, kind)


def listed(values: Sequence[str] | Sequence[int]) -> str:
    return json.dumps(list(values))
