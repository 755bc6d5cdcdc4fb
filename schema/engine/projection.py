"""The events of a subscription, shown without executing the whole operation anew for each.

What an operation selects of a kind of event is compiled once, into functions that make data of such events; for
everybody who sends the same text, unless it has directives, which may depend on variables.
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

from schema.engine.places import place_of_operation
from schema.engine.shared import shared

Executor = AnyExecutor[Any]
Show = Callable[[Any, Executor], Any]
"""Makes data of a value, for the operation of the executor."""

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
    def _show(self) -> Callable[[Any], Any]:
        known = self._shared_projections()
        name = self.operation.name.value if self.operation.name else None
        show = known.get(name) or known.setdefault(name, understood(lambda: compile_root(self)))
        return lambda event: show(event, self)

    def _shared_projections(self) -> dict[str | None, Show]:
        """Of the operations of the same text; none when it has directives."""
        text = self.operation.loc.source.body if self.operation.loc else "@"
        known = None if "@" in text else shared(self.schema, text)
        return known.projections if known else {}

    def cancellable_iterable(self, iterable: AsyncIterable[Any]) -> AsyncIterable[Any]:
        return self._not_sent(iterable) if send_at_once.get() else super().cancellable_iterable(iterable)

    async def _not_sent(self, events: Any) -> AsyncGenerator[Any]:
        """The events that graphql-core has to show; the others are sent as they come."""
        send = cast(Callable[[Any], Awaitable[None]], send_at_once.get())
        place = place_of_operation.get()
        place.leave()
        async with aclosing(events):
            async for event in events:
                await place.take()
                try:
                    data = self._show(event)
                except Exception:
                    yield event
                else:
                    await send(data)
                place.leave()

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


def compile_root(executor: Executor) -> Show:
    """Compiles what an operation selects. Raises `NotUnderstood`."""
    root = executor.schema.subscription_type
    if root is None or getattr(executor.middleware_manager, "middlewares", None):
        raise NotUnderstood
    collected = collect_fields(executor.schema, executor.fragments, executor.variable_values, root, executor.operation)
    [(key, details)] = grouped(collected)
    complete = compile_value(field_of(root, details).type, details)
    return lambda event, executor: {key: complete(event, executor)}


def compile_value(type_: GraphQLOutputType, details: FieldDetailsList) -> Show:
    if isinstance(type_, GraphQLNonNull):
        return compile_present(type_.of_type, details)
    present = compile_present(type_, details)
    return lambda value, executor: None if value is None else present(value, executor)


def compile_present(type_: GraphQLOutputType, details: FieldDetailsList) -> Show:
    """Of values that are not null."""
    if isinstance(type_, GraphQLList):
        return every(compile_value(type_.of_type, details))
    if is_leaf_type(type_):
        return leaf(type_)
    if isinstance(type_, GraphQLUnionType):
        return compile_object(type_.types, details)
    if isinstance(type_, GraphQLObjectType):
        return compile_object([type_], details)
    raise NotUnderstood


def compile_object(types: Sequence[GraphQLObjectType], details: FieldDetailsList) -> Show:
    """Of objects of Strawberry's own classes, compiled for each class when the first of it comes."""
    by_class = {cls: type_ for type_ in types if (cls := class_of(type_))}
    compiled: dict[type, Show] = {}

    def show(value: Any, executor: Executor) -> Any:
        cls = type(value)
        if cls not in compiled:
            compiled[cls] = understood(lambda: compile_fields(executor, by_class[cls], details))
        return compiled[cls](value, executor)

    return show


def compile_fields(executor: Executor, parent: GraphQLObjectType, details: FieldDetailsList) -> Show:
    selected = grouped(executor.collect_subfields(parent, details))
    fields = [(key, compile_field(parent, key, same)) for key, same in selected]
    return lambda value, executor: {key: show(value, executor) for key, show in fields}


def compile_field(parent: GraphQLObjectType, key: str, details: FieldDetailsList) -> Show:
    if details[0].node.name.value == "__typename":
        return lambda _value, _executor: parent.name
    field = field_of(parent, details)
    complete = compile_value(field.type, details)
    definition = field.extensions.get(DEFINITION)
    if type(definition) is not StrawberryField or field.args or definition.is_async:
        raise NotUnderstood
    if not definition.is_basic_field:
        return compile_resolver(parent, key, field, details, complete)
    read = attrgetter(definition.python_name)
    return lambda value, executor: complete(read(value), executor)


def compile_resolver(
    parent: GraphQLObjectType, key: str, field: GraphQLField, details: FieldDetailsList, complete: Show
) -> Show:
    """Of a field with a resolver that needs nothing but the value, as Relay's of ids."""
    nodes, path = [detail.node for detail in details], Path(None, key, parent.name)
    resolve = cast(GraphQLFieldResolver, field.resolve)

    def show(value: Any, executor: Executor) -> Any:
        info = executor.build_resolve_info(field, nodes, parent, path)
        return complete(resolve(value, info), executor)

    return show


def understood(compiling: Callable[[], Show]) -> Show:
    """What was compiled, or else a function that leaves every value to graphql-core."""
    try:
        return compiling()
    except Exception:
        return refuse


def refuse(_value: Any, _executor: Executor) -> Any:
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

    def show(value: Any, _executor: Executor) -> Any:
        if type(value) is plain:
            return value
        coerced = coerce(value)
        if value is None or coerced is None or isinstance(value, Exception):
            raise NotUnderstood
        return coerced

    return show


def every(show_one: Show) -> Show:
    def show(values: Any, executor: Executor) -> Any:
        if type(values) is not list:
            raise NotUnderstood
        return [show_one(value, executor) for value in values]

    return show
