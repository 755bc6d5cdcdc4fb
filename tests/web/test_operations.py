"""Every GraphQL operation of the pages is one that the server understands."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from schema.root import schema
from web.documents import OPERATIONS as STORED
from web.documents import documents
from web.pages import DIST

SCHEMA = build_schema(schema.as_str())
WRITTEN = Path(__file__).parents[2] / "web" / "src" / "graphiql" / "tabs.ts"
OPERATION = re.compile(r"`((?:#[^\n]*\n)*(?:query|mutation|subscription) [^`]*)`")

OPERATIONS = [pytest.param(path.read_text(), id=path.stem) for path in sorted(STORED.glob("*.graphql"))] + [
    pytest.param(found[1], id=f"tabs: {re.sub('#.*', '', found[1]).split()[1]}")
    for found in OPERATION.finditer(WRITTEN.read_text(encoding="utf-8"))
]


def test_operations_are_found() -> None:
    assert len(OPERATIONS) >= 12


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operation_is_valid(operation: str) -> None:
    assert validate(SCHEMA, parse(operation)) == []


def test_the_built_pages_name_the_operations_as_the_server_does() -> None:
    built = "".join(path.read_text(encoding="utf-8") for path in (DIST / "assets").glob("*.js"))
    named = set(re.findall(r"sha256:([0-9a-f]{64})", built))
    assert named == {sha256(text.encode()).hexdigest() for text in documents()}
