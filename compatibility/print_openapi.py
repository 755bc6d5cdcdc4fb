"""Prints the OpenAPI document: `python -m compatibility.print_openapi > compatibility/openapi.json`."""

import sys

import orjson

from compatibility import openapi


def printed() -> bytes:
    return orjson.dumps(openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    sys.stdout.buffer.write(printed())
