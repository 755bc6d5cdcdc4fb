"""What the doctor says of healthy and of sick installations, and that it leaves them as they were."""

import math
import os
import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import make_url

from adapters.database import check
from adapters.embedding.embedders import minilm_folder
from adapters.embedding.minilm import MODEL_FILE, TOKENIZER_FILE
from adapters.operating import doctor
from adapters.operating.doctor import ROOT, Diagnosis, Level, render, report
from adapters.settings.settings import PREFIX, Settings, variables
from adapters.trust.secret_key import FILE_NAME, read_or_create
from tests.parts.postgres import Postgres

REVISIONS = {"one": None, "two": "one"}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check, "PATIENCE", math.inf)
    for name in list(os.environ):
        if name.upper().startswith(PREFIX) or name in variables():
            monkeypatch.delenv(name)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An installed program with built pages and two migrations."""
    pages = tmp_path / "program" / "web" / "dist"
    pages.mkdir(parents=True)
    (pages / "index.html").write_text("<!doctype html>")
    versions = tmp_path / "program" / "adapters" / "database" / "migrations" / "versions"
    versions.mkdir(parents=True)
    for revision, before in REVISIONS.items():
        (versions / f"{revision}.py").write_text(f"revision = {revision!r}\ndown_revision = {before!r}\n")
    return tmp_path / "program"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def settings(port: int) -> Settings:
    return Settings(_env_file=None, port=port)


def named(diagnoses: list[Diagnosis], start: str) -> Diagnosis:
    return next(diagnosis for diagnosis in diagnoses if diagnosis.what.startswith(start))


def files(directory: Path) -> set[Path]:
    return set(directory.rglob("*"))


def stamped(settings: Settings, revision: str | None) -> None:
    """The database as some version of the program left it: in SQLite's WAL mode."""
    settings.data_dir.mkdir(exist_ok=True)
    connection = sqlite3.connect(settings.data_dir / "avatarium.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
    if revision:
        connection.execute("INSERT INTO alembic_version VALUES (?)", [revision])
    connection.commit()
    connection.close()


async def test_a_fresh_machine_has_no_problem_and_stays_fresh(settings: Settings, root: Path, tmp_path: Path) -> None:
    before = files(tmp_path)
    diagnoses = await report(settings, root)
    assert [diagnosis for diagnosis in diagnoses if diagnosis.level is Level.PROBLEM] == []
    assert "first start" in named(diagnoses, "Data directory").what
    assert "first start" in named(diagnoses, "Database").what
    assert "first start" in named(diagnoses, "Secret key").what
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("revision", "level", "words"),
    [
        (None, Level.OK, "no tables yet"),
        ("two", Level.OK, "up to date"),
        ("one", Level.WARNING, "older version"),
        ("three", Level.PROBLEM, "newer version"),
    ],
)
async def test_a_database_fits_the_program_or_not(
    settings: Settings, root: Path, tmp_path: Path, revision: str | None, level: Level, words: str
) -> None:
    stamped(settings, revision)
    before = files(tmp_path)
    diagnosis = named(await report(settings, root), "Database")
    assert (diagnosis.level, words in diagnosis.what) == (level, True)
    assert files(tmp_path) == before


async def test_a_database_in_use_is_read_with_what_was_last_written(settings: Settings, root: Path) -> None:
    stamped(settings, "one")
    server = sqlite3.connect(settings.data_dir / "avatarium.db")
    server.execute("UPDATE alembic_version SET version_num = 'two'")
    server.commit()
    diagnosis = named(await report(settings, root), "Database")
    server.close()
    assert "up to date" in diagnosis.what


async def test_an_empty_database_is_not_yet_migrated(settings: Settings, root: Path) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "avatarium.db").touch()
    assert "no tables yet" in named(await report(settings, root), "Database").what


async def test_a_file_that_is_no_database_is_a_problem(settings: Settings, root: Path) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "avatarium.db").write_bytes(b"anything" * 1000)
    assert named(await report(settings, root), "Database").level is Level.PROBLEM


async def in_postgres(port: int, root: Path, url: str) -> Diagnosis:
    return named(await report(Settings(_env_file=None, port=port, database_url=url), root), "Database")


async def test_a_postgres_database_fits_the_program_or_not(port: int, root: Path, postgres: Postgres) -> None:
    async with postgres.database("template1") as url:
        assert "no tables yet" in (await in_postgres(port, root, url)).what
    async with postgres.database() as url:
        assert "newer version" in (await in_postgres(port, root, url)).what
        diagnosis = await in_postgres(port, ROOT, url)
    assert (diagnosis.level, "up to date" in diagnosis.what) == (Level.OK, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"database": "missing"}, "InvalidCatalogNameError"),
        ({"username": "nobody"}, "InvalidAuthorizationSpecificationError"),
        ({"port": 1}, "ConnectionRefusedError"),
        ({"query": {"password": "hidden-word"}}, "cannot be opened"),
    ],
)
async def test_a_postgres_database_that_cannot_be_opened_is_a_problem(
    port: int, root: Path, postgres: Postgres, change: dict[str, Any], words: str
) -> None:
    url = make_url(postgres.url("postgres")).set(password="hidden-word").set(**change)
    diagnosis = await in_postgres(port, root, url.render_as_string(hide_password=False))
    assert (diagnosis.level, words in diagnosis.what) == (Level.PROBLEM, True)
    assert diagnosis.advice
    assert "hidden-word" not in render([diagnosis])


async def test_the_key_file_is_checked(settings: Settings, root: Path) -> None:
    read_or_create(settings.data_dir)
    assert named(await report(settings, root), "Secret key").level is Level.OK
    (settings.data_dir / FILE_NAME).chmod(0o644)
    diagnosis = named(await report(settings, root), "Secret key")
    assert (diagnosis.level, diagnosis.advice) == (Level.WARNING, f"Run: chmod 600 {settings.data_dir / FILE_NAME}")
    (settings.data_dir / FILE_NAME).write_text("short")
    assert named(await report(settings, root), "Secret key").level is Level.PROBLEM


async def test_secrets_are_counted_and_never_shown(port: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Fernet.generate_key().decode()
    monkeypatch.setenv("AVATARIUM_SECRET_KEY", f"{secret},{secret}")
    monkeypatch.setenv("GROQ_API_KEY", secret)
    diagnoses = await report(Settings(_env_file=None, port=port), root)
    assert "2 in use" in named(diagnoses, "Secret key").what
    assert named(diagnoses, "AI providers").what == "AI providers with a key: groq"
    assert secret not in render(diagnoses) + repr(diagnoses)


async def test_no_ai_key_is_a_warning(settings: Settings, root: Path) -> None:
    diagnosis = named(await report(settings, root), "AI providers")
    assert diagnosis.level is Level.WARNING
    assert "GROQ_API_KEY" in diagnosis.advice


async def test_embeddings_that_are_not_there_mean_lexical_search(port: int, root: Path) -> None:
    chosen = {"minilm": Level.WARNING, "openai/text-embedding-3-small": Level.WARNING, "none": Level.OK}
    for embeddings, level in chosen.items():
        diagnosis = named(await report(Settings(_env_file=None, port=port, embeddings=embeddings), root), "Embeddings")
        assert (diagnosis.level, "lexical search only" in diagnosis.what) == (level, True)
        assert bool(diagnosis.advice) == (level is Level.WARNING)


async def test_embeddings_that_are_there_are_named(port: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(_env_file=None, port=port)
    folder = minilm_folder(settings.models_dir)
    folder.mkdir(parents=True)
    for name in (MODEL_FILE, TOKENIZER_FILE):
        (folder / name).touch()
    assert named(await report(settings, root), "Embeddings") == Diagnosis(Level.OK, "Embeddings: minilm")
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    model = "openai/text-embedding-3-small"
    settings = Settings(_env_file=None, port=port, embeddings=model)
    assert named(await report(settings, root), "Embeddings") == Diagnosis(Level.OK, f"Embeddings: {model}")


async def test_a_chroma_server_is_asked_whether_it_is_there(port: int, root: Path, chroma_server: str) -> None:
    assert "embedded" in named(await report(Settings(_env_file=None, port=port), root), "Vectors").what
    settings = Settings(_env_file=None, port=port, chroma_url=chroma_server)
    assert named(await report(settings, root), "Vectors").level is Level.OK
    settings = Settings(_env_file=None, port=port, chroma_url="http://127.0.0.1:1")
    diagnosis = named(await report(settings, root), "Vectors")
    assert (diagnosis.level, "AVATARIUM_CHROMA_URL" in diagnosis.advice) == (Level.WARNING, True)


async def test_sign_in_is_named(port: int, root: Path) -> None:
    local = await report(Settings(_env_file=None, port=port), root)
    assert "local" in named(local, "Sign-in").what
    firebase = await report(Settings(_env_file=None, port=port, firebase_project_id="my-project"), root)
    assert named(firebase, "Sign-in") == Diagnosis(Level.OK, "Sign-in: Firebase project my-project")


async def test_open_local_sign_in_is_a_warning(port: int, root: Path) -> None:
    settings = Settings(_env_file=None, port=port, host="0.0.0.0", allow_remote_local_sign_in=True)
    assert named(await report(settings, root), "Sign-in").level is Level.WARNING


async def test_unsafe_settings_are_a_problem(port: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099")
    diagnosis = named(await report(Settings(_env_file=None, port=port), root), "Start-up")
    assert diagnosis.level is Level.PROBLEM
    assert "FIREBASE_AUTH_EMULATOR_HOST" in diagnosis.advice


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("https://avatars.example.com", Level.OK),
        ("http://127.0.0.1:8000", Level.OK),
        ("http://avatars.example.com", Level.WARNING),
    ],
)
async def test_the_public_address_should_be_https(port: int, root: Path, url: str, level: Level) -> None:
    settings = Settings(_env_file=None, port=port, public_url=url, firebase_project_id="my-project")
    assert named(await report(settings, root), "Public address").level is level


async def test_a_port_in_use_is_a_problem(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(_env_file=None, port=taken.getsockname()[1])
        diagnosis = named(await report(settings, root), "Port")
    assert diagnosis.level is Level.PROBLEM
    assert "AVATARIUM_PORT" in diagnosis.advice


async def test_missing_pages_are_a_problem(settings: Settings, root: Path) -> None:
    (root / "web" / "dist" / "index.html").unlink()
    assert named(await report(settings, root), "Pages").level is Level.PROBLEM


async def test_a_data_directory_that_is_a_file_is_a_problem(settings: Settings, root: Path) -> None:
    settings.data_dir.write_text("a file")
    diagnosis = named(await report(settings, root), "Data directory")
    assert diagnosis.level is Level.PROBLEM
    assert "AVATARIUM_DATA_DIR" in diagnosis.advice


async def test_a_full_disk_is_a_warning(settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LOW_SPACE", 1024**6)
    assert named(await report(settings, root), "Free space").level is Level.WARNING


def test_findings_are_printed_one_a_line_with_the_advice_below() -> None:
    diagnoses = [
        Diagnosis(Level.OK, "Pages: built"),
        Diagnosis(Level.PROBLEM, "Port 80: taken", "Stop it.\nOr do not."),
    ]
    assert render(diagnoses) == (
        "ok        Pages: built\nproblem   Port 80: taken\n          Stop it.\n          Or do not."
    )


async def test_who_is_told_of_the_work_is_named(settings: Settings, root: Path) -> None:
    quiet = [diagnosis.what for diagnosis in await report(settings, root)]
    assert not [what for what in quiet if what.startswith(("Metrics", "Traces"))]
    watched = settings.model_copy(
        update={"metrics_token": SecretStr("hidden-word"), "otel_exporter_otlp_endpoint": "http://127.0.0.1:4318"}
    )
    diagnoses = await report(watched, root)
    assert named(diagnoses, "Metrics").level is Level.OK
    assert named(diagnoses, "Traces") == Diagnosis(Level.OK, "Traces: sent to http://127.0.0.1:4318")
    assert "hidden-word" not in render(diagnoses)


async def test_traces_without_the_extra_are_a_problem(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.observing.telemetry.find_spec", lambda _name: None)
    traced = settings.model_copy(update={"otel_exporter_otlp_endpoint": "http://127.0.0.1:4318"})
    found = named(await report(traced, root), "Traces")
    assert found.level is Level.PROBLEM
    assert "make run EXTRAS=otel" in found.advice
