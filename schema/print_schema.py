"""Prints the schema as `schema/schema.graphql` holds it: `python -m schema.print_schema`."""

import sys

from schema.root import schema


def text() -> str:
    return f"{schema.as_str()}\n"


if __name__ == "__main__":
    sys.stdout.write(text())
