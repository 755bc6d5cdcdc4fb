"""The answers of operations that ask about the schema alone: the same for everybody who may ask."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from graphql import ExecutionResult, FieldNode, GraphQLSchema, OperationDefinitionNode, execute_sync, get_operation_ast
from strawberry.extensions import SchemaExtension

from schema.engine.shared import kept, shared

ANSWERS = 8
ABOUT_SCHEMA = frozenset({"__schema", "__type", "__typename"})


class KeptIntrospection(SchemaExtension):
    """Executes each of them once: to work a whole schema out takes many times as long as to send it."""

    def on_execute(self) -> Iterator[None]:
        context = self.execution_context
        schema, text, name = context.schema._schema, context.query or "", context.operation_name
        known = shared(schema, text)
        operation = get_operation_ast(known.document, name) if known else None
        if operation and is_about_schema(operation) and (data := answer(schema, text, name)) is not None:
            context.result = ExecutionResult(data, None)
        yield


def is_about_schema(operation: OperationDefinitionNode) -> bool:
    """And whether nothing that is sent beside its text changes the answer."""
    return not operation.variable_definitions and all(
        isinstance(each, FieldNode) and each.name.value in ABOUT_SCHEMA for each in operation.selection_set.selections
    )


@lru_cache(ANSWERS)
def answer(schema: GraphQLSchema, text: str, name: str | None) -> dict[str, Any] | None:
    return execute_sync(schema, kept(schema, text).document, operation_name=name).data
