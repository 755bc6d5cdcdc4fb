"""What the program's commands take, and what they print."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from adapters.operating.command_line import arguments, printed
from adapters.settings.settings import Settings, SettingsError
from adapters.system_clock import SystemClock
from adapters.trust.local import LocalSignIn
from domain.errors import BadRequest

EMAIL = "ada@example.com"
SECRET = "s" * 40


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, secret_key=SECRET)


def said(monkeypatch: pytest.MonkeyPatch, settings: Settings, *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["avatarium", *words])
    return printed(settings, arguments())


async def email_of(token: str) -> str | None:
    return (await LocalSignIn(SECRET, SystemClock()).verify(token)).email


async def test_token_prints_a_token_and_nothing_else(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    assert await email_of(said(monkeypatch, settings, "token", "--email", EMAIL)) == EMAIL


async def test_link_prints_a_link_with_a_token(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    address, _, token = said(monkeypatch, settings, "link", "--email", EMAIL).partition("#token=")
    assert address == "http://127.0.0.1:8000/sign-in"
    assert await email_of(token) == EMAIL


def test_backup_says_where_the_copy_is(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "avatarium.db")) as database:
        database.execute("CREATE TABLE t (c)")
    target = tmp_path / "copy.db"
    assert str(target) in said(monkeypatch, settings, "backup", str(target))
    assert target.exists()


@pytest.mark.parametrize("command", ["token", "link"])
def test_where_firebase_signs_in_neither_is_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, firebase_project_id="my-project")
    with pytest.raises(SettingsError, match=r"AVATARIUM_FIREBASE_PROJECT_ID is set: .*Firebase"):
        said(monkeypatch, settings, command, "--email", EMAIL)


@pytest.mark.parametrize("command", ["token", "link"])
def test_only_an_address_signs_in(monkeypatch: pytest.MonkeyPatch, settings: Settings, command: str) -> None:
    with pytest.raises(BadRequest):
        said(monkeypatch, settings, command, "--email", "ada")


@pytest.mark.parametrize("words", [[], ["token"], ["link"], ["backup"], ["dance"]])
def test_what_is_missing_or_unknown_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["avatarium", *words])
    with pytest.raises(SystemExit) as caught:
        arguments()
    assert caught.value.code == 2
    assert "usage: avatarium" in capsys.readouterr().err
