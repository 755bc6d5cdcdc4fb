"""The combinations of settings that the server refuses to start with."""

import os
from pathlib import Path

import pytest

from adapters.operating.safety import refuse_unsafe
from adapters.settings.settings import PREFIX, Settings, SettingsError, environment, load, variables

LONG = "0123456789abcdef" * 3


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory, and an environment that knows nothing of Avatarium."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith(PREFIX) or name in variables():
            monkeypatch.delenv(name)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def unsafe(settings: Settings, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        refuse_unsafe(settings, environ or {})
    return str(caught.value)


REMOTE = [{"host": "0.0.0.0"}, {"host": "192.168.1.4"}, {"host": "avatars.lan"}, {"public_url": "https://a.example"}]


@pytest.mark.parametrize("where", REMOTE)
def test_local_sign_in_stays_on_this_machine(where: dict[str, str]) -> None:
    said = unsafe(Settings(_env_file=None, **where))  # type: ignore[arg-type]
    assert "AVATARIUM_FIREBASE_PROJECT_ID" in said
    assert "AVATARIUM_ALLOW_REMOTE_LOCAL_SIGN_IN=true" in said


@pytest.mark.parametrize("where", REMOTE)
@pytest.mark.parametrize("by", [{"allow_remote_local_sign_in": True}, {"firebase_project_id": "my-project"}])
def test_a_remote_server_says_how_people_sign_in(where: dict[str, str], by: dict[str, object]) -> None:
    refuse_unsafe(Settings(_env_file=None, **where, **by), {})  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_a_loopback_host_is_local(host: str) -> None:
    refuse_unsafe(Settings(_env_file=None, host=host), {})


@pytest.mark.parametrize("secrets", ["short", f"{LONG},short", LONG[:31]])
def test_a_short_secret_is_refused(env: pytest.MonkeyPatch, secrets: str) -> None:
    env.setenv("AVATARIUM_SECRET_KEY", secrets)
    said = unsafe(load())
    assert said.startswith("AVATARIUM_SECRET_KEY: ")
    assert "at least 32 characters" in said
    assert "short" not in said


def test_a_long_secret_is_accepted(env: pytest.MonkeyPatch) -> None:
    env.setenv("AVATARIUM_SECRET_KEY", LONG[:32])
    refuse_unsafe(load(), {})


EMULATED = {"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"}


def test_the_emulator_is_refused_in_the_environment_and_in_the_env_file(
    env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("FIREBASE_AUTH_EMULATOR_HOST=127.0.0.1:9099\n")
    assert "AVATARIUM_DEVELOPMENT=true" in unsafe(load(), environment())


def test_the_emulator_is_refused_even_in_development_when_others_reach_the_server() -> None:
    settings = Settings(_env_file=None, development=True, host="0.0.0.0", firebase_project_id="my-project")
    assert "AVATARIUM_HOST=127.0.0.1" in unsafe(settings, EMULATED)


def test_the_emulator_is_for_development_on_one_machine() -> None:
    refuse_unsafe(Settings(_env_file=None, development=True), EMULATED)


def test_an_empty_emulator_variable_is_none() -> None:
    refuse_unsafe(Settings(_env_file=None), {"FIREBASE_AUTH_EMULATOR_HOST": ""})


def test_everything_unsafe_is_told_at_once(env: pytest.MonkeyPatch) -> None:
    env.setenv("AVATARIUM_SECRET_KEY", "short")
    env.setenv("AVATARIUM_HOST", "0.0.0.0")
    assert len(unsafe(load(), EMULATED).splitlines()) == 3
