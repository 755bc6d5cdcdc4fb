"""The GraphQL operations of the pages, which the pages name by the hash of their text."""

from pathlib import Path

OPERATIONS = Path(__file__).parent / "operations"


def documents() -> list[str]:
    return [path.read_bytes().decode() for path in sorted(OPERATIONS.glob("*.graphql"))]
