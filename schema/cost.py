"""What an operation costs: 1 for each object, as often as the pages around it have items.

Scalars are free, as are Relay's wrappers (connections, edges, page info) and introspection.
"""

from collections.abc import Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_introspection_type,
    is_leaf_type,
)

from schema.pages import PAGE_MAX

Variables = Mapping[str, object]


class Cost:
    """Of the operations of one valid document, with one set of variables."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Variables
    ) -> None:
        self._schema, self._fragments, self._variables = schema, fragments, variables
        self._known: dict[str, int] = {}

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
            field = parent.fields.get(node.name.value)
            return self._field(node, field) if field else 0
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
        if is_leaf_type(found) or is_introspection_type(found) or not node.selection_set:
            return 0
        inner = self._selected(node.selection_set, found)
        if found.name.endswith("Connection"):
            return self._page_size(node, field) * max(inner, 1)
        return inner if found.name.endswith("Edge") or found.name == "PageInfo" else inner + 1

    def _page_size(self, node: FieldNode, field: GraphQLField) -> int:
        first = next((each.value for each in node.arguments or () if each.name.value == "first"), None)
        given: object = None
        if isinstance(first, IntValueNode):
            given = int(first.value)
        elif isinstance(first, VariableNode):
            given = self._variables.get(first.name.value)
        usual = field.args["first"].default_value if "first" in field.args else None
        size = next((each for each in (given, usual) if isinstance(each, int)), PAGE_MAX)
        return min(max(size, 1), PAGE_MAX)
