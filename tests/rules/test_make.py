"""`make` as its users type it, with an installer and a server that only note what they are told."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
SERVER = ".venv-server"
INSTALLER = f"""#!/bin/sh
echo "${{UV_PROJECT_ENVIRONMENT:-.venv}} $*" >> installed
case "$*" in *--check*) test ! -e outdated; exit;; esac
mkdir -p {SERVER}/bin && cp program {SERVER}/bin/avatarium && ln -sf {sys.executable} {SERVER}/bin/python
"""
# `serve` ends with its standard input.
PROGRAM = """#!/bin/sh
echo "$@"
if [ "$1" = serve ]; then read _; fi
"""


class Checkout:
    """A folder with our Makefile. `env` is all that the user's shell has set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
        shutil.copy(MAKEFILE, folder)
        (folder / "bin").mkdir()
        self._script("bin/uv", INSTALLER)
        self._script("program", PROGRAM)

    def _script(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["make", *words], cwd=self.folder, env=self.env, capture_output=True, text=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """`make run` in another terminal."""
        process = subprocess.Popen(["make", "run"], cwd=self.folder, env=self.env, stdin=-1, stdout=-1, text=True)
        assert process.stdout
        assert process.stdout.readline() == "serve\n"
        try:
            yield
        finally:
            process.communicate("\n")

    def installed(self) -> list[str]:
        """The installer's calls since the last time, but for questions."""
        log = self.folder / "installed"
        calls = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [call for call in calls if "--check" not in call]

    def outdate(self) -> None:
        """The lock file or the sources have changed since the server was installed."""
        (self.folder / "outdated").touch()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def installed(checkout: Checkout) -> Checkout:
    checkout.outdate()
    assert checkout.make("install").returncode == 0
    assert len(checkout.installed()) == 1
    (checkout.folder / "outdated").unlink()
    return checkout


COMMANDS = [
    (["doctor"], "doctor"),
    (["token", "EMAIL=ada@example.com"], "token --email ada@example.com"),
    (["link", "EMAIL=ada@example.com"], "link --email ada@example.com"),
    (["backup", "FILE=my copy.db"], "backup my copy.db"),
]


@pytest.mark.parametrize(("words", "told"), COMMANDS)
def test_a_command_says_what_the_program_says_and_installs_nothing(
    installed: Checkout, words: list[str], told: str
) -> None:
    installed.outdate()
    with installed.running():
        installed.installed()
        assert installed.make(*words).stdout == f"{told}\n"
        assert installed.installed() == []


@pytest.mark.parametrize(("words", "told"), COMMANDS)
def test_a_command_installs_the_server_where_there_is_none(checkout: Checkout, words: list[str], told: str) -> None:
    checkout.outdate()
    assert checkout.make(*words).stdout == f"{told}\n"
    [call] = checkout.installed()
    assert call.startswith(f"{SERVER} sync --frozen --inexact --no-dev")


@pytest.mark.parametrize(
    ("command", "wanted"), [("token", "EMAIL=you@example.com"), ("link", "EMAIL=you@example.com"), ("backup", "FILE=")]
)
def test_what_is_missing_is_asked_for(installed: Checkout, command: str, wanted: str) -> None:
    made = installed.make(command)
    assert made.returncode != 0
    assert made.stdout == ""
    assert f"make {command} {wanted}" in made.stderr


@pytest.mark.parametrize("words", [["install"], ["run"], ["run", "EXTRAS=otel"], ["clean"]])
def test_nothing_changes_the_environment_of_a_server_that_runs(installed: Checkout, words: list[str]) -> None:
    with installed.running():
        installed.outdate()
        refused = installed.make(*words)
        assert refused.returncode != 0
        assert "Stop it" in refused.stderr
        assert installed.installed() == []
        assert (installed.folder / SERVER / "bin" / "avatarium").exists()
    assert installed.make("install").returncode == 0
    assert len(installed.installed()) == 1


def test_a_second_server_starts_where_nothing_is_to_be_installed(installed: Checkout) -> None:
    with installed.running(), installed.running():
        assert installed.installed() == []


def test_developing_has_an_environment_of_its_own(installed: Checkout) -> None:
    with installed.running():
        assert installed.make("install-dev").returncode == 0
        assert installed.installed() == [".venv sync --frozen --quiet"]


def test_extras_are_installed_for_the_server(installed: Checkout) -> None:
    installed.outdate()
    installed.make("install", "EXTRAS=otel")
    [call] = installed.installed()
    assert "--extra otel" in call
    assert "--inexact" in call


def test_clean_removes_both_environments(installed: Checkout) -> None:
    (installed.folder / ".venv").mkdir()
    assert installed.make("clean").returncode == 0
    assert not (installed.folder / SERVER).exists()
    assert not (installed.folder / ".venv").exists()


def test_a_commit_is_checked_with_the_steps_of_make_check() -> None:
    recipe = MAKEFILE.read_text().partition("\ncheck: ")[2].partition("\n\n")[0].splitlines()[1:]
    hooks = MAKEFILE.with_name(".pre-commit-config.yaml").read_text()
    steps = [step.strip().replace("$(RUN) ", ".venv/bin/").replace("$(NPM)", "npm") for step in recipe]
    assert len(steps) > 5
    assert [step for step in steps if step not in hooks] == []
