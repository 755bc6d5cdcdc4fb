"""Strangers on a public server are not told the schema: neither by introspection nor by suggestions."""

import re
from collections.abc import AsyncIterator

from graphql import ASTValidationRule, FieldNode, GraphQLError
from graphql.validation import ValidationContext
from strawberry.extensions import SchemaExtension

from resolvers import accounts

REFUSED = "Introspection is off for strangers here. Send a bearer token or an API key in the Authorization header."
SUGGESTION = re.compile(r" ?Did you mean .*", re.DOTALL)


class IntrospectionRefused(GraphQLError):
    """Taken back for callers who may."""


class IntrospectionRule(ASTValidationRule):
    """Refuses introspection to everybody, once for a document; `Secrecy` knows who is asking."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._refused = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.name.value in ("__schema", "__type") and not self._refused:
            self._refused = True
            self.report_error(IntrospectionRefused(REFUSED, node))


class Secrecy(SchemaExtension):
    """Gives each caller errors of their own: those of the validation cache are everybody's."""

    async def on_validate(self) -> AsyncIterator[None]:
        if errors := self.execution_context.pre_execution_errors:
            context = self.execution_context.context
            context.trusted = context.trusted or await accounts.is_known(context.core)
            told = (error for error in errors if not (context.trusted and isinstance(error, IntrospectionRefused)))
            self.execution_context.pre_execution_errors = [copied(error) for error in told]
        yield


def copied(error: GraphQLError) -> GraphQLError:
    return GraphQLError(error.message, error.nodes, error.source, error.positions, error.path, error.original_error)


def without_suggestion(message: str) -> str:
    return SUGGESTION.sub("", message)
