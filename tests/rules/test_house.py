"""The rules of the house that no linter knows."""

import inspect
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import pytest

import compatibility
from domain import errors
from schema.print_schema import text as printed_schema
from schema.root import Mutation, Subscription

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 300
GENERATED = re.compile(r"/versions/|^tests/|^presets/")
FOLDERS = ("domain", "resolvers", "schema", "compatibility", "adapters", "web", "bench")


def sources() -> list[str]:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.ts", "*.tsx"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    return [name for name in tracked if not GENERATED.search(name) and (ROOT / name).exists()]


@pytest.mark.parametrize("name", sources())
def test_files_stay_short(name: str) -> None:
    assert len((ROOT / name).read_text().splitlines()) <= LONGEST_FILE


def test_the_composition_root_stays_brief() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) <= 200


def operations() -> list[FunctionType]:
    fields = [
        *Mutation.__strawberry_definition__.fields,  # type: ignore[attr-defined]
        *Subscription.__strawberry_definition__.fields,  # type: ignore[attr-defined]
    ]
    return [field.base_resolver.wrapped_func for field in fields]


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.__name__)
def test_every_mutation_and_subscription_calls_guarded_verbs(operation: FunctionType) -> None:
    verbs = list(called_verbs(operation))
    assert verbs
    assert all(hasattr(verb, "__guard__") for verb in verbs), f"{operation.__name__} calls a verb without a guard"


def called_verbs(function: FunctionType) -> Iterator[object]:
    """The resolvers' functions that it calls, itself or through a helper of its own module."""
    module = function.__globals__
    for name in function.__code__.co_names:
        verb = getattr(module["resolvers"], name, None)
        helper = module.get(name)
        if inspect.isroutine(verb) and verb.__module__.startswith("resolvers."):
            yield verb
        elif isinstance(helper, FunctionType) and helper.__module__ == function.__module__:
            yield from called_verbs(helper)


def error_classes() -> list[type[errors.AvatariumError]]:
    found = [each for each in vars(errors).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, errors.AvatariumError) and hasattr(each, "code")]


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_every_error_code_is_documented(error: type[errors.AvatariumError]) -> None:
    retryable = "yes" if error.retryable else "no"
    assert f"| `{error.code}` | {error.status} | {retryable} |" in (ROOT / "docs" / "errors.md").read_text()


def documented_routes() -> list[str]:
    paths = compatibility.openapi()["paths"]
    return [f"{verb.upper()} {path}" for path, verbs in paths.items() for verb in verbs if verb != "parameters"]


@pytest.mark.parametrize("route", documented_routes())
def test_every_route_is_documented(route: str) -> None:
    verb, path = route.split()
    path = path if path.startswith("/v1") else f"/v1{path}"
    text = (ROOT / "docs" / "rest.md").read_text()
    assert f"`{verb} {path}`" in text or (verb == "PUT" and f"`PATCH {path}`" in text)


def test_the_printed_schema_is_what_the_code_prints() -> None:
    assert (ROOT / "schema" / "schema.graphql").read_text() == printed_schema()


def test_the_printed_openapi_document_is_what_the_code_prints() -> None:
    assert json.loads((ROOT / "compatibility" / "openapi.json").read_text()) == compatibility.openapi()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_module_says_what_it_is_for(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        if "node_modules" not in path.parts and "versions" not in path.parts:
            assert path.read_text().startswith(('"""', "#!")), path
