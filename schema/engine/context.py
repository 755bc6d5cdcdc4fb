"""What a GraphQL operation is given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import strawberry
from graphql import OperationType, get_operation_ast
from strawberry.extensions import SchemaExtension

from resolvers.context import Context
from schema.engine.loading import Loaders


@dataclass(slots=True)
class OperationContext:
    """`connection_params` is set by Strawberry, on a WebSocket, before `GraphQLDoor.on_ws_connect`.

    `trusted` callers are told the schema. On a public server they are first looked at when an operation is wrong.
    """

    core: Context
    trusted: bool = False
    connection_params: Mapping[str, object] | None = None
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.core)


Info: TypeAlias = "strawberry.Info[OperationContext, None]"


class OwnContext(SchemaExtension):
    """Gives each operation a context of its own, since those of a socket come with the same one."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        operation = get_operation_ast(document, context.operation_name) if document else None
        shared: OperationContext = context.context
        is_query = operation is not None and operation.operation is OperationType.QUERY
        context.context = replace(shared, core=shared.core.of_query() if is_query else shared.core)
        yield


def bearer(value: object) -> str | None:
    """The token of `Bearer <token>`, or None for anything else."""
    if not isinstance(value, str):
        return None
    scheme, _, token = value.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
