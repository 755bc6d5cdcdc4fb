"""The events of a subscription, shown without executing the whole operation anew for each.

What an operation selects of a kind of event is compiled once, into functions that make data of such events.
Whatever they do not understand, and every event that they fail on, is left to graphql-core.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextvars import ContextVar
from functools import cached_property
from operator import attrgetter
from typing import Any, cast

from graphql import (
    ExecutionResult,
    GraphQLBoolean,
    GraphQLField,
    GraphQLFieldResolver,
    GraphQLID,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    GraphQLUnionType,
    is_leaf_type,
)
from graphql.execution import Executor as AnyExecutor
from graphql.execution.async_iterables import aclosing
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList, collect_fields
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

Executor = AnyExecutor[Any]
Show = Callable[[Any], Any]

# How the operation of this task sends the data of an event at once, where its transport can.
send_at_once: ContextVar[Callable[[Any], Awaitable[None]] | None] = ContextVar("send_at_once", default=None)

DEFINITION = "strawberry-definition"
KNOWN_DIRECTIVES = ("skip", "include")
SHOWN_AS_THEY_ARE: dict[GraphQLNamedType, type] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}


class NotUnderstood(Exception):
    """Left to graphql-core."""


class ProjectingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes operations as Strawberry does, but the events of a subscription by its projection."""

    @cached_property
    def _show(self) -> Show:
        return understood(lambda: Projection(self).of_root())

    def cancellable_iterable(self, iterable: AsyncIterable[Any]) -> AsyncIterable[Any]:
        return self._not_sent(iterable) if send_at_once.get() else super().cancellable_iterable(iterable)

    async def _not_sent(self, events: Any) -> AsyncGenerator[Any]:
        """The events that graphql-core has to show; the others are sent as they come."""
        send = cast(Callable[[Any], Awaitable[None]], send_at_once.get())
        async with aclosing(events):
            async for event in events:
                try:
                    data = self._show(event)
                except Exception:
                    yield event
                else:
                    await send(data)

    def build_per_event_executor(self, payload: Any) -> Executor:
        try:
            data = self._show(payload)
        except Exception:
            return super().build_per_event_executor(payload)
        return cast(Executor, Executed(data))


class Executed:
    """In place of an executor: one event that needs no execution."""

    __slots__ = ("_data",)

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def execute_operation(self, serially: bool) -> ExecutionResult:
        return ExecutionResult(self._data, None)


class Projection:
    """Compiles the selections of one operation with its variables. Raises `NotUnderstood`."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def of_root(self) -> Show:
        executor = self._executor
        root = executor.schema.subscription_type
        if root is None or getattr(executor.middleware_manager, "middlewares", None):
            raise NotUnderstood
        collected = collect_fields(
            executor.schema, executor.fragments, executor.variable_values, root, executor.operation
        )
        [(key, details)] = grouped(collected)
        complete = self._value(field_of(root, details).type, details)
        return lambda event: {key: complete(event)}

    def _value(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Show:
        if isinstance(type_, GraphQLNonNull):
            return self._present(type_.of_type, details)
        present = self._present(type_, details)
        return lambda value: None if value is None else present(value)

    def _present(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Show:
        """Of values that are not null."""
        if isinstance(type_, GraphQLList):
            return every(self._value(type_.of_type, details))
        if is_leaf_type(type_):
            return leaf(type_)
        if isinstance(type_, GraphQLUnionType):
            return self._object(type_.types, details)
        if isinstance(type_, GraphQLObjectType):
            return self._object([type_], details)
        raise NotUnderstood

    def _object(self, types: Sequence[GraphQLObjectType], details: FieldDetailsList) -> Show:
        """Of objects of Strawberry's own classes, compiled for each class when the first of it comes."""
        by_class = {cls: type_ for type_ in types if (cls := class_of(type_))}
        compiled: dict[type, Show] = {}

        def show(value: Any) -> Any:
            cls = type(value)
            if cls not in compiled:
                compiled[cls] = understood(lambda: self._fields(by_class[cls], details))
            return compiled[cls](value)

        return show

    def _fields(self, parent: GraphQLObjectType, details: FieldDetailsList) -> Show:
        selected = grouped(self._executor.collect_subfields(parent, details))
        fields = [(key, self._field(parent, key, same)) for key, same in selected]
        return lambda value: {key: show(value) for key, show in fields}

    def _field(self, parent: GraphQLObjectType, key: str, details: FieldDetailsList) -> Show:
        if details[0].node.name.value == "__typename":
            return lambda _: parent.name
        field = field_of(parent, details)
        read, complete = self._source(parent, key, field, details), self._value(field.type, details)
        return lambda value: complete(read(value))

    def _source(self, parent: GraphQLObjectType, key: str, field: GraphQLField, details: FieldDetailsList) -> Show:
        """Where a field's value comes from: an attribute, or a resolver that needs nothing else, as Relay's of ids."""
        definition = field.extensions.get(DEFINITION)
        if type(definition) is not StrawberryField or field.args or definition.is_async:
            raise NotUnderstood
        if definition.is_basic_field:
            return attrgetter(definition.python_name)
        nodes = [detail.node for detail in details]
        info = self._executor.build_resolve_info(field, nodes, parent, Path(None, key, parent.name))
        resolve = cast(GraphQLFieldResolver, field.resolve)
        return lambda value: resolve(value, info)


def understood(compile_: Callable[[], Show]) -> Show:
    """What was compiled, or else a function that leaves every value to graphql-core."""
    try:
        return compile_()
    except Exception:
        return refuse


def refuse(_: Any) -> Any:
    raise NotUnderstood


def grouped(collected: CollectedFields) -> list[tuple[str, FieldDetailsList]]:
    """What is selected, by its key in the response."""
    if collected.new_defer_usages:
        raise NotUnderstood
    return list(collected.grouped_field_set.items())


def field_of(parent: GraphQLObjectType, details: FieldDetailsList) -> GraphQLField:
    directives = (each for detail in details for each in detail.node.directives or ())
    if any(each.name.value not in KNOWN_DIRECTIVES for each in directives):
        raise NotUnderstood
    field: GraphQLField = parent.fields[details[0].node.name.value]
    return field


def class_of(type_: GraphQLObjectType) -> type | None:
    """The class whose instances, and no others, are sure to be of this type."""
    definition: StrawberryObjectDefinition = type_.extensions[DEFINITION]
    return None if definition.concrete_of or definition.is_type_of else definition.origin


def leaf(type_: GraphQLLeafType) -> Show:
    """Anything that is not plainly of the type is coerced, or refused, as graphql-core does it."""
    plain, coerce = SHOWN_AS_THEY_ARE.get(type_), type_.coerce_output_value

    def show(value: Any) -> Any:
        if type(value) is plain:
            return value
        coerced = coerce(value)
        if value is None or coerced is None or isinstance(value, Exception):
            raise NotUnderstood
        return coerced

    return show


def every(show_one: Show) -> Show:
    def show(values: Any) -> Any:
        if type(values) is not list:
            raise NotUnderstood
        return [show_one(value) for value in values]

    return show
