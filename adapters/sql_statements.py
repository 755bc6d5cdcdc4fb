"""SQL generated once from the tables and run on the driver itself.

`Connection.execute` of SQLAlchemy costs some 25 µs of CPU a statement more than the driver does, and
a chat turn runs nine statements. A `Statement` keeps what SQLAlchemy is good at, the SQL of each
database and the conversion of its values, and leaves out the rest.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Column, Connection, Delete, Dialect, Insert, Select, Table, Update, bindparam, insert
from sqlalchemy.engine.interfaces import DBAPICursor

Row = Sequence[Any]
Core = Select[Any] | Insert | Update | Delete
Converter = Callable[[Any], Any]
Converters = tuple[tuple[int, Converter], ...]
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement in the words of one database. `constants` are the values written into it."""

    text: str
    binds: tuple[tuple[str, Converter | None], ...]
    constants: Mapping[str, Any]

    def parameters(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        given = {**self.constants, **values}
        return tuple([convert(given[name]) if convert else given[name] for name, convert in self.binds])


class Statement:
    """One statement of Core. Its values are passed by the names of its `bindparam`s."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._compiled: dict[type[Dialect], Compiled] = {}
        self._converters: dict[type[Dialect], Converters] = {}

    def rows(self, connection: Connection, **values: Any) -> list[Row]:
        """Text that no database takes equals nothing: it is asked for as NULL."""
        asked = {name: value if is_storable(value) else None for name, value in values.items()}
        with closing(self._execute(connection, asked)) as cursor:
            converters = self._converters_of(connection.dialect, cursor)
            return [converted(row, converters) for row in cursor.fetchall()]

    def row(self, connection: Connection, **values: Any) -> Row | None:
        rows = self.rows(connection, **values)
        return rows[0] if rows else None

    def scalar(self, connection: Connection, **values: Any) -> Any:
        """The first column of the only row."""
        return self.rows(connection, **values)[0][0]

    def run(self, connection: Connection, **values: Any) -> None:
        """Runs a statement that returns no rows."""
        self._execute(connection, values).close()

    def compiled(self, dialect: Dialect) -> Compiled:
        known = self._compiled.get(type(dialect))
        if known is None:
            known = self._compiled[type(dialect)] = compiled_for(self.core, dialect)
        return known

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> DBAPICursor:
        compiled = self.compiled(connection.dialect)
        cursor = connection.connection.cursor()
        cursor.execute(compiled.text, compiled.parameters(values))
        return cursor

    def _converters_of(self, dialect: Dialect, cursor: DBAPICursor) -> Converters:
        known = self._converters.get(type(dialect))
        if known is None:
            known = self._converters[type(dialect)] = tuple(converters_for(self.core, dialect, cursor))
        return known


def is_storable(value: object) -> bool:
    """PostgreSQL's text has no NUL, and neither database's has halves of surrogate pairs."""
    if not isinstance(value, str):
        return True
    return "\0" not in value and (value.isascii() or not SURROGATE.search(value))


def compiled_for(core: Core, dialect: Dialect) -> Compiled:
    compiled = core.compile(dialect=dialect)
    binds = {name: compiled.binds[name] for name in compiled.positiontup or ()}
    return Compiled(
        text=str(compiled),
        binds=tuple(
            (name, binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup or ()
        ),
        constants={name: bind.effective_value for name, bind in binds.items() if not bind.required},
    )


def converters_for(core: Core, dialect: Dialect, cursor: DBAPICursor) -> Iterator[tuple[int, Converter]]:
    """What makes Python's value of the driver's, for the columns where they differ."""
    columns = cast(Select[Any], core).selected_columns
    for index, (column, description) in enumerate(zip(columns, cursor.description, strict=True)):
        if convert := column.type.dialect_impl(dialect).result_processor(dialect, description[1]):
            yield index, convert


def converted(row: Row, converters: Converters) -> Row:
    values = list(row)
    for index, convert in converters:
        values[index] = convert(values[index])
    return values


def locked(core: Select[Any]) -> Select[Any]:
    """Locks the rows until the transaction ends, against changes but not against references to them."""
    return core.with_for_update(key_share=True)


def insertion(table: Table, columns: Iterable[Column[Any]] | None = None) -> Statement:
    """Inserts one row; each value goes by its column's name."""
    return Statement(insert(table).inline().values(assignments(columns or table.columns)))


def assignments(columns: Iterable[Column[Any]]) -> dict[str, Any]:
    return {column.name: bindparam(column.name, type_=column.type) for column in columns}
