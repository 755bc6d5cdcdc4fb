"""Every variable: its default, a good value, and what is said about a bad one."""

import os
from ipaddress import ip_network
from pathlib import Path

import pytest
from dotenv import dotenv_values

from adapters.operating.safety import refuse_unsafe
from adapters.settings.fields import Group
from adapters.settings.settings import PREFIX, Settings, SettingsError, environment, load, variables
from domain.ai.providers import Patience
from domain.avatars import AiProvider

ROOT = Path(__file__).parents[3]
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


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        load()
    return str(caught.value)


def test_a_fresh_machine_needs_no_variable(tmp_path: Path) -> None:
    settings = load()
    refuse_unsafe(settings, environment())
    assert (settings.host, settings.port, settings.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert settings.data_dir == tmp_path / "data"
    assert settings.database_url.get_secret_value() == f"sqlite:///{tmp_path}/data/avatarium.db"
    assert settings.secrets == ()
    assert settings.firebase_project_id is None
    assert not settings.development
    assert not settings.allow_remote_local_sign_in
    assert (settings.trusted_proxies, settings.allow_private_hosts) == ((), ())
    assert (settings.max_body_bytes, settings.log_level) == (1_048_576, "info")
    assert (settings.ai_connect_timeout, settings.patience) == (5.0, Patience(15.0, 10.0, 120.0))
    assert (settings.provider_keys, settings.provider_bases) == ({}, {})


GOOD = [
    ("AVATARIUM_HOST", "0.0.0.0", "0.0.0.0"),
    ("AVATARIUM_HOST", "::1", "::1"),
    ("AVATARIUM_HOST", "Avatars.LAN", "avatars.lan"),
    ("AVATARIUM_PORT", "65535", 65535),
    ("AVATARIUM_PUBLIC_URL", "https://Avatars.example.com/", "https://avatars.example.com"),
    ("AVATARIUM_DATA_DIR", "/srv/avatarium", Path("/srv/avatarium")),
    ("AVATARIUM_FIREBASE_PROJECT_ID", "my-project", "my-project"),
    ("AVATARIUM_DEMO", "false", False),
    ("AVATARIUM_DEVELOPMENT", "true", True),
    ("AVATARIUM_ALLOW_REMOTE_LOCAL_SIGN_IN", "1", True),
    ("AVATARIUM_SIGN_IN_LINK_MINUTES", "15", 15),
    ("AVATARIUM_TRUSTED_PROXIES", "10.0.0.0/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1/128"))),
    ("AVATARIUM_ALLOW_PRIVATE_HOSTS", "LocalHost:11434,[::1]:80,", ("localhost:11434", "[::1]:80")),
    ("AVATARIUM_MAX_BODY_BYTES", "2048", 2048),
    ("AVATARIUM_LOG_LEVEL", "DEBUG", "debug"),
    ("AVATARIUM_LOG_FORMAT", "JSON", "json"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/", "http://127.0.0.1:4318"),
    ("AVATARIUM_AI_CONNECT_TIMEOUT", "0.5", 0.5),
    ("AVATARIUM_AI_FIRST_TOKEN_TIMEOUT", "30", 30.0),
    ("AVATARIUM_AI_BETWEEN_TOKENS_TIMEOUT", "30", 30.0),
    ("AVATARIUM_AI_TOTAL_TIMEOUT", "300", 300.0),
    ("AVATARIUM_EMBEDDINGS", "None", "none"),
    ("AVATARIUM_EMBEDDINGS", "openai/text-embedding-3-small", "openai/text-embedding-3-small"),
    ("AVATARIUM_CHROMA_URL", "http://chroma.example.com:8000/", "http://chroma.example.com:8000"),
    ("OPENAI_API_BASE", "http://127.0.0.1:4010/v1/", "http://127.0.0.1:4010/v1"),
]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_variable_is_read(env: pytest.MonkeyPatch, name: str, text: str, value: object) -> None:
    env.setenv(name, text)
    assert getattr(load(), variables()[name]) == value


@pytest.mark.parametrize("name", variables())
def test_an_empty_variable_is_as_good_as_none(env: pytest.MonkeyPatch, name: str) -> None:
    usual = load()
    env.setenv(name, "")
    assert load() == usual


BAD = [
    ("AVATARIUM_HOST", "http://localhost"),
    ("AVATARIUM_PORT", "eighty"),
    ("AVATARIUM_PORT", "0"),
    ("AVATARIUM_PORT", "65536"),
    ("AVATARIUM_PUBLIC_URL", "avatars.example.com"),
    ("AVATARIUM_PUBLIC_URL", "https://example.com/avatars"),
    ("AVATARIUM_PUBLIC_URL", "https://ada:secret@example.com"),
    ("AVATARIUM_PUBLIC_URL", "https://example.com:port"),
    ("AVATARIUM_DATABASE_URL", "mysql://ada:hidden-word@db/avatarium"),
    ("AVATARIUM_DATABASE_URL", "avatarium.db"),
    ("AVATARIUM_DATABASE_URL", "sqlite://"),
    ("AVATARIUM_DATABASE_URL", "postgresql://"),
    ("AVATARIUM_DATABASE_URL", "postgresql://ada:hidden@word@db/avatarium"),
    ("AVATARIUM_DATABASE_URL", "postgresql://ada:hidden/@word@db/avatarium"),
    ("AVATARIUM_DATABASE_URL", "postgresql://ada:hidden-word@db:port/avatarium"),
    ("AVATARIUM_DATABASE_URL", "postgresql://ada:hidden-word@db:65536/avatarium"),
    ("AVATARIUM_DEMO", "perhaps"),
    ("AVATARIUM_DEVELOPMENT", "perhaps"),
    ("AVATARIUM_ALLOW_REMOTE_LOCAL_SIGN_IN", "perhaps"),
    ("AVATARIUM_SIGN_IN_LINK_MINUTES", "0"),
    ("AVATARIUM_SIGN_IN_LINK_MINUTES", "10081"),
    ("AVATARIUM_TRUSTED_PROXIES", "10.0.0.1,proxy.example.com"),
    ("AVATARIUM_TRUSTED_PROXIES", "10.0.0.1/8"),
    ("AVATARIUM_ALLOW_PRIVATE_HOSTS", "127.0.0.1"),
    ("AVATARIUM_ALLOW_PRIVATE_HOSTS", "127.0.0.1:99999"),
    ("AVATARIUM_MAX_BODY_BYTES", "0"),
    ("AVATARIUM_LOG_LEVEL", "loud"),
    ("AVATARIUM_AI_CONNECT_TIMEOUT", "0"),
    ("AVATARIUM_AI_FIRST_TOKEN_TIMEOUT", "-1"),
    ("AVATARIUM_AI_BETWEEN_TOKENS_TIMEOUT", "nan"),
    ("AVATARIUM_AI_TOTAL_TIMEOUT", "inf"),
    ("AVATARIUM_EMBEDDINGS", "text-embedding-3-small"),
    ("AVATARIUM_EMBEDDINGS", "openai/"),
    ("AVATARIUM_EMBEDDINGS", "nobody/hidden-word"),
    ("AVATARIUM_CHROMA_URL", "chroma.example.com:8000"),
    ("AVATARIUM_CHROMA_URL", "https://ada:hidden-word@chroma.example.com"),
    ("OPENAI_API_BASE", "api.openai.com"),
    ("ANTHROPIC_API_BASE", "ftp://api.anthropic.com"),
    ("GEMINI_API_BASE", "https://ada:hidden-word@example.com"),
    ("XAI_API_BASE", "https://example.com?key=hidden-word"),
    ("GROQ_API_BASE", "https://"),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_wrong_value_is_explained_and_not_repeated(env: pytest.MonkeyPatch, name: str, text: str) -> None:
    env.setenv(name, text)
    said = refusal()
    assert said.startswith(f"{name}: ")
    assert "; it takes " in said
    assert "hidden-word" not in said
    assert len(said.splitlines()) == 1


def test_every_wrong_variable_is_told_at_once(env: pytest.MonkeyPatch) -> None:
    env.setenv("AVATARIUM_PORT", "eighty")
    env.setenv("AVATARIUM_LOG_LEVEL", "loud")
    env.setenv("AVATARIUM_COLOUR", "red")
    named = {line.partition(":")[0] for line in refusal().splitlines()}
    assert named == {"AVATARIUM_PORT", "AVATARIUM_LOG_LEVEL", "AVATARIUM_COLOUR"}


def test_the_error_leads_to_no_other_that_shows_values(env: pytest.MonkeyPatch) -> None:
    env.setenv("AVATARIUM_DATABASE_URL", "mysql://ada:hidden-word@db/avatarium")
    with pytest.raises(SettingsError) as caught:
        load()
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["AVATARIUM_DATABSE_URL", "avatarium_databaseurl"])
def test_an_unknown_variable_is_refused_with_the_nearest_known(env: pytest.MonkeyPatch, name: str) -> None:
    env.setenv(name, "x")
    assert refusal() == f"{name}: there is no such variable; did you mean AVATARIUM_DATABASE_URL?"


def test_an_unknown_variable_unlike_any_other_is_refused(env: pytest.MonkeyPatch) -> None:
    env.setenv("AVATARIUM_XYZZY", "x")
    assert "docs/settings.md" in refusal()


def test_the_env_file_is_read_and_the_environment_goes_before_it(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AVATARIUM_PORT=9000\nAVATARIUM_HOST=::1\nGROQ_API_KEY=gsk\nSOMETHING_ELSE=1\n")
    env.setenv("AVATARIUM_PORT", "9001")
    settings = load()
    assert (settings.port, settings.host) == (9001, "::1")
    assert settings.provider_keys == {AiProvider.GROQ: "gsk"}
    assert settings.public_url == "http://[::1]:9001"


def test_an_unknown_variable_in_the_env_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AVATARIUM_PROT=9000\n")
    assert refusal() == "AVATARIUM_PROT: there is no such variable; did you mean AVATARIUM_PORT?"


def test_an_env_file_that_is_no_text_is_explained(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"AVATARIUM_HOST=\xff\xfe")
    assert refusal().startswith(".env: ")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("::0", "http://[::1]:8000"),
        ("192.168.1.4", "http://192.168.1.4:8000"),
    ],
)
def test_the_public_address_follows_the_host(env: pytest.MonkeyPatch, host: str, url: str) -> None:
    env.setenv("AVATARIUM_HOST", host)
    assert load().public_url == url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("sqlite:////srv/a.db", "sqlite:////srv/a.db"),
        ("sqlite+aiosqlite:////srv/a.db", "sqlite:////srv/a.db"),
        ("postgresql://u:p@db:5433/avatars?sslmode=require", "postgresql://u:p@db:5433/avatars?sslmode=require"),
        ("postgresql://u:p%40@/avatars?host=/run/postgresql", "postgresql://u:p%40@/avatars?host=/run/postgresql"),
        ("postgres://u:p@db/avatars", "postgresql://u:p@db/avatars"),
        ("postgresql+psycopg://u:p@db/avatars", "postgresql://u:p@db/avatars"),
    ],
)
def test_the_database_is_named_without_a_driver(env: pytest.MonkeyPatch, text: str, url: str) -> None:
    env.setenv("AVATARIUM_DATABASE_URL", text)
    assert load().database_url.get_secret_value() == url


def test_secrets_are_a_list_whose_first_is_the_one_in_use(env: pytest.MonkeyPatch) -> None:
    env.setenv("AVATARIUM_SECRET_KEY", f"{LONG}new, {LONG}old")
    assert load().secrets == (f"{LONG}new", f"{LONG}old")


PROVIDERS = [
    ("OPENAI", AiProvider.OPENAI),
    ("ANTHROPIC", AiProvider.ANTHROPIC),
    ("GEMINI", AiProvider.GOOGLE),
    ("XAI", AiProvider.XAI),
    ("GROQ", AiProvider.GROQ),
]


@pytest.mark.parametrize(("name", "provider"), PROVIDERS)
def test_each_provider_has_its_own_key_and_address(env: pytest.MonkeyPatch, name: str, provider: AiProvider) -> None:
    env.setenv(f"{name}_API_KEY", f"key-of-{name}\n")
    env.setenv(f"{name}_API_BASE", f"https://{name.lower()}.example.com/v1")
    settings = load()
    assert settings.provider_keys == {provider: f"key-of-{name}"}
    assert settings.provider_bases == {provider: f"https://{name.lower()}.example.com/v1"}


def test_nothing_that_is_printed_of_the_settings_holds_a_secret(env: pytest.MonkeyPatch) -> None:
    env.setenv("AVATARIUM_SECRET_KEY", f"{LONG}hidden-word")
    for name, _ in PROVIDERS:
        env.setenv(f"{name}_API_KEY", "hidden-word")
    settings = load()
    assert "hidden-word" not in f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}"


def test_every_setting_belongs_to_the_group_of_a_room() -> None:
    groups = [base for base in Settings.__bases__ if issubclass(base, Group)]
    assert {name for group in groups for name in group.model_fields} == set(Settings.model_fields)
    for group in groups:
        assert (ROOT / "adapters" / group.__module__.rpartition(".")[2]).is_dir()


@pytest.mark.parametrize("name", variables())
def test_every_variable_is_described(name: str) -> None:
    field = Settings.model_fields[variables()[name]]
    assert field.description
    assert isinstance(field.json_schema_extra, dict)
    assert field.json_schema_extra["takes"]


def test_the_example_file_names_every_variable_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text()
    lines = [line.removeprefix("#") for line in example.splitlines()]
    named = [line.partition("=")[0] for line in lines if "=" in line and line[:1].isupper()]
    assert sorted(named) == sorted(variables())


def test_the_example_file_changes_nothing_as_it_is() -> None:
    assert dotenv_values(ROOT / ".env.example") == {}


@pytest.mark.parametrize("name", variables())
def test_the_documents_explain_every_variable(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "settings.md").read_text()
