"""What an operation costs, and how much it may: 1 for each object, as often as the pages around it have items.

Texts that may be long cost 1 for each 1,000 characters that they may have. Other scalars are free, as are Relay's
wrappers (connections, edges, page info). The lists of introspection have no pages: each counts as long as those of its
kind are in this schema on average.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from math import ceil

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SchemaMetaFieldDef,
    SelectionNode,
    SelectionSetNode,
    TypeMetaFieldDef,
    VariableNode,
    get_named_type,
    get_nullable_type,
    get_operation_ast,
    is_abstract_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
)
from strawberry.extensions import SchemaExtension

from schema.engine.limits import fragments_of
from schema.engine.pages import PAGE_MAX
from schema.engine.shared import shared

COST_MAX = 5_000
LONG_TEXTS = {
    "Avatar.personality": 4,
    "Avatar.systemPrompt": 5,
    "FoundPassage.text": 1,
    "Message.content": 5,
    "Passage.text": 1,
}
Variables = Mapping[str, object]
META_FIELDS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


class Cost:
    """Of the operations of one valid document, with one set of variables. `varies`: others may cost something else."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Variables
    ) -> None:
        self._schema, self._fragments, self._variables = schema, fragments, variables
        self._known: dict[str, int] = {}
        self.varies = False

    def of(self, operation: OperationDefinitionNode) -> int:
        defaults = {
            each.variable.name.value: int(each.default_value.value)
            for each in operation.variable_definitions or ()
            if isinstance(each.default_value, IntValueNode)
        }
        self._variables = {**defaults, **self._variables}
        return self._selected(operation.selection_set, self._schema.get_root_type(operation.operation))

    def _selected(self, selected: SelectionSetNode, parent: GraphQLNamedType | None) -> int:
        return sum(self._selection(each, parent) for each in selected.selections)

    def _selection(self, node: SelectionNode, parent: GraphQLNamedType | None) -> int:
        if isinstance(node, FragmentSpreadNode):
            return self._spread(node.name.value)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            return self._selected(node.selection_set, self._named(condition.name.value) if condition else parent)
        if isinstance(node, FieldNode) and isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            field = parent.fields.get(node.name.value) or META_FIELDS.get(node.name.value)
            long = LONG_TEXTS.get(f"{parent.name}.{node.name.value}", 0)
            return long + self._field(node, field) if field else 0
        return 0

    def _spread(self, name: str) -> int:
        if name not in self._known:
            fragment = self._fragments[name]
            self._known[name] = self._selected(fragment.selection_set, self._named(fragment.type_condition.name.value))
        return self._known[name]

    def _named(self, name: str) -> GraphQLNamedType | None:
        return self._schema.get_type(name)

    def _field(self, node: FieldNode, field: GraphQLField) -> int:
        found = get_named_type(field.type)
        if is_leaf_type(found) or not node.selection_set:
            return 0
        inner = self._selected(node.selection_set, found)
        if is_introspection_type(found):
            many = is_list_type(get_nullable_type(field.type))
            return ceil(lengths(self._schema)[node.name.value] * (inner + 1)) if many else inner
        if found.name.endswith("Connection"):
            return self._page_size(node, field) * max(inner, 1)
        return inner if found.name.endswith("Edge") or found.name == "PageInfo" else inner + 1

    def _page_size(self, node: FieldNode, field: GraphQLField) -> int:
        first = next((each.value for each in node.arguments or () if each.name.value == "first"), None)
        given: object = None
        if isinstance(first, IntValueNode):
            given = int(first.value)
        elif isinstance(first, VariableNode):
            self.varies = True
            given = self._variables.get(first.name.value)
        usual = field.args["first"].default_value if "first" in field.args else None
        size = next((each for each in (given, usual) if isinstance(each, int)), PAGE_MAX)
        return min(max(size, 1), PAGE_MAX)


@cache
def lengths(schema: GraphQLSchema) -> Mapping[str, float]:
    """How long the lists of introspection are on average, by their fields' names."""
    types = list(schema.type_map.values())
    composite = [each for each in types if isinstance(each, GraphQLObjectType | GraphQLInterfaceType)]
    fields = [field for each in composite for field in each.fields.values()]
    abstract = [each for each in types if is_abstract_type(each)]
    return {
        "types": len(types),
        "directives": len(schema.directives),
        "fields": len(fields) / len(types),
        "args": sum(len(field.args) for field in fields) / len(fields),
        "interfaces": sum(len(each.interfaces) for each in composite) / len(types),
        "possibleTypes": sum(len(schema.get_possible_types(each)) for each in abstract) / len(types),
        "enumValues": sum(len(each.values) for each in types if isinstance(each, GraphQLEnumType)) / len(types),
        "inputFields": sum(len(each.fields) for each in types if isinstance(each, GraphQLInputObjectType)) / len(types),
    }


class CostLimiter(SchemaExtension):
    """Refuses what costs more than `limit`, and tells the cost of queries and mutations."""

    def __init__(self, limit: int = COST_MAX) -> None:
        self._limit = limit

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        operation = get_operation_ast(document, context.operation_name) if document else None
        if document and operation and not context.pre_execution_errors:
            self._weigh(operation, self._cost(document, operation))
        yield

    def _cost(self, document: DocumentNode, operation: OperationDefinitionNode) -> int:
        context = self.execution_context
        schema, name = context.schema._schema, context.operation_name
        known = shared(schema, context.query or "")
        if known and name in known.costs:
            return known.costs[name]
        cost = Cost(schema, fragments_of(document), context.variables or {})
        requested = cost.of(operation)
        if known and not cost.varies:
            known.costs[name] = requested
        return requested

    def _weigh(self, operation: OperationDefinitionNode, requested: int) -> None:
        if requested > self._limit:
            message = f"The operation costs {requested}: at most {self._limit} is allowed. Ask for smaller pages."
            self.execution_context.pre_execution_errors = [GraphQLError(message)]
        if operation.operation is not OperationType.SUBSCRIPTION:
            told = {"requested": requested, "limit": self._limit}
            self.execution_context.extensions_results["cost"] = told
