"""When the pages are built again."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

from web.build_hook import SOURCES

ROOT = Path(__file__).parents[2]


def keys() -> list[str]:
    """What uv watches, in the words of `fnmatch`, whose star passes folders as uv's does."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]
    return [str(key["file"]).replace("**/*", "*") for key in tool["cache-keys"]]


def is_watched(path: str) -> bool:
    return any(fnmatch(path, key) for key in keys())


def test_a_change_of_any_source_builds_them_again() -> None:
    found = [path for pattern in SOURCES for path in (ROOT / "web").glob(pattern)]
    files = [file for path in found for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    assert len(files) > 20
    assert [file for file in files if not is_watched(file.relative_to(ROOT).as_posix())] == []


def test_what_is_built_and_installed_does_not() -> None:
    for path in ("dist/index.html", "dist/assets/chat.js", "node_modules/vite/package.json", "node_modules/a/b.ts"):
        assert not is_watched(f"web/{path}")
