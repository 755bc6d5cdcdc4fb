"""What is known of a document by its text alone: worked out once, for everybody who sends it.

Nothing in it may depend on variables or on who is asking.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from schema.engine.limits import TOKENS_MAX, SizeRule
from schema.engine.secrecy import IntrospectionRule

DOCUMENTS = 128
LENGTH_MAX = 20_000
OWN_RULES = (SizeRule, IntrospectionRule)


@dataclass(slots=True, eq=False)
class SharedDocument:
    """`errors` are those of its validation. `costs` and `projections` go by the names of its operations."""

    document: DocumentNode
    errors: list[GraphQLError]
    costs: dict[str | None, int] = field(default_factory=dict)
    projections: dict[str | None, Callable[..., Any]] = field(default_factory=dict)


def shared(schema: GraphQLSchema, text: str) -> SharedDocument | None:
    """None for a text so long that keeping it would let strangers fill the memory. Raises `GraphQLError`."""
    return kept(schema, text) if len(text) <= LENGTH_MAX else None


@lru_cache(DOCUMENTS)
def kept(schema: GraphQLSchema, text: str) -> SharedDocument:
    document = parse(text, max_tokens=TOKENS_MAX)
    return SharedDocument(document, validate_document(schema, document, (*specified_rules, *OWN_RULES)))


class SharedDocuments(SchemaExtension):
    """Parses and validates each text once. What cannot be parsed, and long texts, are left to Strawberry."""

    _known: SharedDocument | None = None

    def on_operation(self) -> Iterator[None]:
        self.execution_context.parse_options["max_tokens"] = TOKENS_MAX
        self.execution_context.validation_rules += OWN_RULES
        yield

    def on_parse(self) -> Iterator[None]:
        """An error that is raised here would end a stream untold."""
        with suppress(GraphQLError):
            self._known = shared(self.execution_context.schema._schema, self.execution_context.query or "")
        if self._known:
            self.execution_context.graphql_document = self._known.document
        yield

    def on_validate(self) -> Iterator[None]:
        if self._known:
            self.execution_context.pre_execution_errors = list(self._known.errors)
        yield
