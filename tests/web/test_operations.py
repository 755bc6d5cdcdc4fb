"""Every GraphQL operation of the pages is one that the server understands."""

import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from schema.root import schema

SCHEMA = build_schema(schema.as_str())
SOURCES = Path(__file__).parents[2] / "web" / "src"
OPERATION = re.compile(r"`((?:#[^\n]*\n)*(?:query|mutation|subscription) [^`]*)`")

OPERATIONS = [
    pytest.param(found[1], id=f"{path.stem}: {re.sub('#.*', '', found[1]).split()[1]}")
    for path in sorted(SOURCES.rglob("*.ts"))
    for found in OPERATION.finditer(path.read_text(encoding="utf-8"))
]


def test_operations_are_found() -> None:
    assert len(OPERATIONS) >= 12


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operation_is_valid(operation: str) -> None:
    assert validate(SCHEMA, parse(operation)) == []
