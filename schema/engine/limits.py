"""How large an operation may be: its fields, its nesting, aliases and directives."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
)
from graphql.validation.validate import ValidationAbortedError

TOKENS_MAX = 2_000
FIELDS_MAX = 200


class Size(NamedTuple):
    depth: int
    aliases: int
    directives: int


SIZE_MAX = Size(depth=10, aliases=15, directives=50)
NOTHING = Size(0, 0, 0)
Measured = OperationDefinitionNode | FragmentDefinitionNode | FieldNode | InlineFragmentNode | FragmentSpreadNode


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}


class Measure:
    """Sizes as they are once every fragment is spread; each fragment is measured once.

    Introspection counts as flat: graphql-core has a rule of its own against deep introspection.
    """

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Size] = {}

    def size(self, node: Measured) -> Size:
        inner = self._spread(node.name.value) if isinstance(node, FragmentSpreadNode) else self._selected(node)
        directives = inner.directives + len(node.directives or ())
        if not isinstance(node, FieldNode):
            return inner._replace(directives=directives)
        deeper = 0 if node.name.value.startswith("__") else inner.depth + (node.selection_set is not None)
        return Size(deeper, inner.aliases + (node.alias is not None), directives)

    def _selected(self, node: Any) -> Size:
        sizes = [self.size(each) for each in node.selection_set.selections] if node.selection_set else []
        return Size(
            max((size.depth for size in sizes), default=0),
            sum(size.aliases for size in sizes),
            sum(size.directives for size in sizes),
        )

    def _spread(self, name: str) -> Size:
        if name not in self._known:
            self._known[name] = NOTHING
            fragment = self._fragments.get(name)
            self._known[name] = self.size(fragment) if fragment else NOTHING
        return self._known[name]


class SizeRule(ASTValidationRule):
    """Stops the validation at once, before the rules that take long over large operations."""

    def enter_document(self, document: DocumentNode, *_: object) -> None:
        if sum(map(written_fields, document.definitions)) > FIELDS_MAX:
            raise ValidationAbortedError(f"The document is too large: its fields may be at most {FIELDS_MAX}.")
        measure = Measure(fragments_of(document))
        for each in document.definitions:
            if isinstance(each, OperationDefinitionNode):
                refuse_too_large(measure.size(each))


def written_fields(node: Node) -> int:
    """How many fields are written in it, where a fragment stands and not where it is spread.

    Validation compares fields of one name with each other, in pairs.
    """
    selected = getattr(node, "selection_set", None)
    inner = sum(map(written_fields, selected.selections)) if selected else 0
    return inner + isinstance(node, FieldNode)


def refuse_too_large(size: Size) -> None:
    for what, found, most in zip(Size._fields, size, SIZE_MAX, strict=True):
        if found > most:
            raise ValidationAbortedError(f"The operation is too large: its {what} may be at most {most}.")
