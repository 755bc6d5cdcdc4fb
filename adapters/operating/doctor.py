"""What is configured, what is missing, and what would fail at the start. It changes nothing and prints no secret."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from adapters.database.check import database_state
from adapters.embedding.embedders import minilm_folder, open_embedders
from adapters.observing.telemetry import require_opentelemetry
from adapters.operating.safety import refuse_unsafe
from adapters.settings.settings import PREFIX, Settings, SettingsError, environment
from adapters.settings.values import LOCAL_EMBEDDINGS, NO_EMBEDDINGS, http_url
from adapters.trust.secret_key import FILE_MODE, FILE_NAME, read_or_create
from adapters.vectors.chroma_client import server_answers
from domain.network.addresses import is_loopback

ROOT = Path(__file__).resolve().parents[2]
LOW_SPACE = 1024**3
ADVICE_INDENT = " " * 10


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`advice` says what to do; it is empty when there is nothing to do."""

    level: Level
    what: str
    advice: str = ""


def examine(settings: Settings) -> int:
    """Prints the report; returns the process's exit code."""
    diagnoses = asyncio.run(report(settings))
    sys.stdout.write(f"{render(diagnoses)}\n")
    return 1 if any(diagnosis.level is Level.PROBLEM for diagnosis in diagnoses) else 0


async def report(settings: Settings, root: Path = ROOT) -> list[Diagnosis]:
    """`root` is where the program is installed. The server cannot start, or not wholly, with any problem."""
    return [
        *data_dir(settings.data_dir),
        await database(settings, root),
        secret(settings),
        sign_in(settings),
        *unsafe(settings),
        ai_providers(settings),
        embeddings(settings),
        await vectors(settings),
        public_url(settings),
        *observers(settings),
        port(settings),
        pages(root),
    ]


def render(diagnoses: list[Diagnosis]) -> str:
    return "\n".join(line for diagnosis in diagnoses for line in lines(diagnosis))


def lines(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"{diagnosis.level:<8}  {diagnosis.what}"
    for line in diagnosis.advice.splitlines():
        yield ADVICE_INDENT + line


def data_dir(path: Path) -> Iterator[Diagnosis]:
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield Diagnosis(
            Level.PROBLEM,
            f"Data directory {path}: cannot be written",
            f"Make {existing} a directory that this user may write to, or set {PREFIX}DATA_DIR.",
        )
        return
    yield Diagnosis(Level.OK, f"Data directory {path}: " + ("writable" if path.exists() else "made at the first start"))
    yield free_space(existing)


def free_space(path: Path) -> Diagnosis:
    free = shutil.disk_usage(path).free
    what = f"Free space: {free / LOW_SPACE:.1f} GiB"
    if free < LOW_SPACE:
        return Diagnosis(Level.WARNING, what, "Free some: a full disk stops the database.")
    return Diagnosis(Level.OK, what)


async def database(settings: Settings, root: Path) -> Diagnosis:
    state = await database_state(
        settings.database_url.get_secret_value(), root / "adapters" / "database" / "migrations"
    )
    level = Level.PROBLEM if not state.usable else Level.WARNING if state.advice else Level.OK
    return Diagnosis(level, f"Database: {state.text}", state.advice)


def secret(settings: Settings) -> Diagnosis:
    path = settings.data_dir / FILE_NAME
    if settings.secrets:
        return Diagnosis(Level.OK, f"Secret key: from {PREFIX}SECRET_KEY ({len(settings.secrets)} in use)")
    if not path.exists():
        return Diagnosis(Level.OK, f"Secret key: {path} is made at the first start")
    return key_file(path)


def key_file(path: Path) -> Diagnosis:
    try:
        read_or_create(path.parent)
    except SettingsError as error:
        return Diagnosis(Level.PROBLEM, "Secret key: cannot be used", str(error))
    if path.stat().st_mode & 0o077:
        advice = f"Run: chmod {FILE_MODE:o} {path}"
        return Diagnosis(Level.WARNING, f"Secret key: other users of this machine can read {path}", advice)
    return Diagnosis(Level.OK, f"Secret key: from {path}; keep it with your backups")


def sign_in(settings: Settings) -> Diagnosis:
    if settings.firebase_project_id:
        return Diagnosis(Level.OK, f"Sign-in: Firebase project {settings.firebase_project_id}")
    if settings.is_local:
        advice = f"For other people, set {PREFIX}FIREBASE_PROJECT_ID."
        return Diagnosis(Level.OK, "Sign-in: local, by a link that this machine prints", advice)
    return Diagnosis(
        Level.WARNING,
        "Sign-in: local, on a server that other machines reach",
        f"Set {PREFIX}FIREBASE_PROJECT_ID; whoever holds a sign-in link is its owner.",
    )


def unsafe(settings: Settings) -> Iterator[Diagnosis]:
    try:
        refuse_unsafe(settings, environment())
    except SettingsError as error:
        yield Diagnosis(Level.PROBLEM, "Start-up: refused, as the settings are unsafe", str(error))


def ai_providers(settings: Settings) -> Diagnosis:
    names = ", ".join(sorted(settings.provider_keys))
    if names:
        return Diagnosis(Level.OK, f"AI providers with a key: {names}")
    advice = "Set a key such as GROQ_API_KEY or OPENAI_API_KEY to let a model speak."
    return Diagnosis(Level.WARNING, "AI providers: no key; avatars can only introduce themselves", advice)


def embeddings(settings: Settings) -> Diagnosis:
    embedders = open_embedders(settings)
    if settings.embeddings == NO_EMBEDDINGS:
        return Diagnosis(Level.OK, "Embeddings: none; lexical search only")
    if embedders.current():
        return Diagnosis(Level.OK, f"Embeddings: {settings.embeddings}")
    what = f"Embeddings: {settings.embeddings} is not there; lexical search only"
    if settings.embeddings == LOCAL_EMBEDDINGS:
        advice = f"The server fetches its weights in the background, into {minilm_folder(settings.models_dir)}."
        return Diagnosis(Level.WARNING, what, advice)
    return Diagnosis(Level.WARNING, what, f"Set the provider's key, or {PREFIX}EMBEDDINGS to another model.")


async def vectors(settings: Settings) -> Diagnosis:
    if not settings.chroma_url:
        return Diagnosis(Level.OK, f"Vectors: embedded Chroma in {settings.vectors_dir}")
    if await server_answers(settings.chroma_url):
        return Diagnosis(Level.OK, f"Vectors: Chroma server {settings.chroma_url}")
    what = f"Vectors: no Chroma server answers at {settings.chroma_url}; lexical search only"
    return Diagnosis(Level.WARNING, what, f"Start it (chroma run), or correct {PREFIX}CHROMA_URL.")


def public_url(settings: Settings) -> Diagnosis:
    parts = http_url(settings.public_url)
    if parts.scheme == "https" or is_loopback(parts.hostname):
        return Diagnosis(Level.OK, f"Public address: {settings.public_url}")
    return Diagnosis(
        Level.WARNING,
        f"Public address: {settings.public_url} is not https",
        f"Put a proxy with a certificate in front and set {PREFIX}PUBLIC_URL; "
        "browsers give the microphone to https pages only.",
    )


def observers(settings: Settings) -> Iterator[Diagnosis]:
    if settings.metrics_token:
        yield Diagnosis(Level.OK, f"Metrics: {settings.public_url}/metrics, for who has the token")
    if not settings.otel_exporter_otlp_endpoint:
        return
    try:
        require_opentelemetry()
    except SettingsError as error:
        yield Diagnosis(Level.PROBLEM, "Traces: OpenTelemetry is not installed", str(error))
    else:
        yield Diagnosis(Level.OK, f"Traces: sent to {settings.otel_exporter_otlp_endpoint}")


def port(settings: Settings) -> Diagnosis:
    where = f"Port {settings.port} on {settings.host}"
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        advice = f"Stop the program that listens there, which may be Avatarium itself, or set {PREFIX}PORT."
        return Diagnosis(Level.PROBLEM, f"{where}: {error.strerror}", advice)
    return Diagnosis(Level.OK, f"{where}: free")


def pages(root: Path) -> Diagnosis:
    if (root / "web" / "dist" / "index.html").is_file():
        return Diagnosis(Level.OK, "Pages: built")
    return Diagnosis(Level.PROBLEM, "Pages: not built; only the API would answer", "Run: make run")
