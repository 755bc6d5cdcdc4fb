"""Every verb that a door can call says who may call it."""

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from resolvers import accounts, avatars, chat, knowledge, models, sessions

ROOT = Path(__file__).parents[2]
MODULES = (accounts, avatars, chat, knowledge, models, sessions)
DOORS = ("schema", "compatibility", "web")
HELPERS = {
    "avatars.changed_secrets",
    "avatars.owner_id",
    "chat.stored_reply",
    "chat.stored_when_over",
    "sessions.require_password",
}


def verbs(module: ModuleType) -> Iterator[tuple[str, Callable[..., object]]]:
    """The module's own public coroutines and streams that take the context first."""
    for name, function in vars(module).items():
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and next(iter(inspect.signature(function).parameters), None) == "ctx":
                yield f"{short(module.__name__)}.{name}", function


def short(module: str) -> str:
    return module.removeprefix("resolvers.")


def used_by(source: str) -> set[str]:
    """What a door uses of the verbs' modules, as `module.name`."""
    tree = ast.parse(source)
    aliases: dict[str, str] = {}
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "resolvers":
            aliases |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("resolvers."):
            used |= {f"{short(node.module or '')}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            used.add(f"{aliases[node.value.id]}.{node.attr}")
    return used


VERBS = dict(verb for module in MODULES for verb in verbs(module))
FILES = [ROOT / "app.py", *(path for door in DOORS for path in sorted((ROOT / door).glob("*.py")))]
USED = set().union(*(used_by(path.read_text()) for path in FILES))


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_wears_a_guard(verb: str) -> None:
    if verb in HELPERS:
        assert not hasattr(VERBS[verb], "__guard__"), f"{verb} is guarded, so it is a verb and no helper"
    else:
        assert getattr(VERBS[verb], "__guard__", None) in ("anyone", "signed_in", "person")


def test_no_door_calls_a_helper() -> None:
    assert not USED & HELPERS
    assert set(VERBS) >= HELPERS


def test_this_test_sees_what_the_doors_call() -> None:
    assert {"avatars.create", "chat.send", "chat.follow", "sessions.start", "accounts.create_api_key"} <= USED & set(
        VERBS
    )


def test_only_people_manage_keys_and_only_owners_avatars() -> None:
    wearing = {
        guard: {verb for verb, each in VERBS.items() if getattr(each, "__guard__", None) == guard}
        for guard in ("person", "signed_in")
    }
    assert wearing == {
        "person": {"accounts.api_keys", "accounts.create_api_key", "accounts.revoke_api_key", "accounts.sign_in"},
        "signed_in": {"avatars.page", "avatars.get", "avatars.create", "avatars.update", "avatars.delete"}
        | {verb for verb in VERBS if verb.startswith("knowledge.")},
    }


def test_calls_are_seen_however_they_are_spelled() -> None:
    source = "from resolvers import chat as c\nfrom resolvers.avatars import visible\nc.send(1)\nother.thing()"
    assert used_by(source) == {"chat.send", "avatars.visible"}
