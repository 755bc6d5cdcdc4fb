"""Every regular expression of the product takes time in proportion to the text, whatever a stranger sends."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.growth import grows_linearly

ROOT = Path(__file__).parents[2]
FOLDERS = ("domain", "resolvers", "schema", "compatibility", "adapters")
METHODS = ("sub", "subn", "search", "match", "fullmatch", "findall", "finditer", "split")
CHARACTERS = " \t\n`[](){}<>!-*_~#|/\\.,;:?'\"&=+@%^$aA1é漢·"
# Between them stands a character that is in none of them.
SEQUENCES = [
    "[ ",
    " [",
    "<!",
    "!-",
    "--",
    "->",
    "<!---->",
    "<!-- -->",
    "[[",
    "`a",
    "a ",
    "1,",
    "[1",
    "[1]",
    " [1]",
    "a.",
    ". ",
    "\n ",
    "\n\t",
    " \n",
    "|a",
    "![",
    "](",
    "[](",
    "[a](",
    "()",
    "http://",
    "www.",
    "@.",
    "a@",
    "-.",
    "1.",
    "1) ",
    "> ",
    "- ",
    "* ",
    "# ",
    "***",
    "___",
    "```",
    "\r\n",
    " .",
    "。",
    "<a",
    "<meta ",
    " charset",
    "漢a",
    "🙂",
    "\u200d",
    "%41",
    "a_",
    "_a",
    "a*",
    "a-",
    "<?xml",
    "%%",
    "//",
    "a/",
    "<p>",
]
AFFIXES = (("", "\x00"), ("a", "a"), ("[", "x"), ("<", "\n"))
Use = tuple[re.Pattern[str] | re.Pattern[bytes], str]


def uses() -> dict[str, Use]:
    """Each pattern with each method that the product calls on it, by a name for people."""
    trees = {path: ast.parse(path.read_text()) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))}
    patterns = {
        name: pattern
        for path, tree in trees.items()
        for name, pattern in patterns_of(path, tree)
        if pattern is not None
    }
    methods: dict[str, set[str]] = defaultdict(set)
    for tree in trees.values():
        for name, method in called(tree):
            methods[name].add(method)
    return {
        f"{name}.{method}": (pattern, method)
        for name, pattern in patterns.items()
        for method in sorted(methods[name.rpartition(".")[2]] or METHODS)
    }


def patterns_of(path: Path, tree: ast.Module) -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    """The patterns that a module makes, those too that it writes where it uses them."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if any(ast.unparse(call.func) == "re.compile" for call in calls):
        for name, value in vars(importlib.import_module(module)).items():
            if isinstance(value, re.Pattern):
                yield f"{module}.{name}", value
    for call in calls:
        if ast.unparse(call.func) in {f"re.{method}" for method in METHODS}:
            written = call.args[0]
            assert isinstance(written, ast.Constant), f"{module}: give this pattern a name, so that it can be tested"
            assert isinstance(written.value, str | bytes)
            yield f"{module}.line{call.lineno}", re.compile(written.value)


def called(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in METHODS and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr


USES = uses()


@pytest.mark.parametrize("name", USES)
def test_time_grows_in_proportion_to_the_text(name: str) -> None:
    pattern, method = USES[name]
    for seed, (before, after) in product((*CHARACTERS, *SEQUENCES), AFFIXES):

        def work(size: int, seed: str = seed, before: str = before, after: str = after) -> object:
            text = before + seed * (size // len(seed)) + after
            return applied(pattern, method, text)

        assert grows_linearly(work), f"{name} is slow for {before!r}, {seed!r} again and again, {after!r}"


def applied(pattern: re.Pattern[str] | re.Pattern[bytes], method: str, text: str) -> object:
    given = text.encode() if isinstance(pattern.pattern, bytes) else text
    nothing = b"" if isinstance(pattern.pattern, bytes) else ""
    result = getattr(pattern, method)(*([nothing, given] if method in ("sub", "subn") else [given]))
    return list(result) if method == "finditer" else result
