"""Every setting: read once from the environment and `.env`, checked, explained when wrong."""

import difflib
import os
from collections.abc import Mapping

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.settings.ai import AiSettings
from adapters.settings.database import DatabaseSettings
from adapters.settings.embedding import EmbeddingSettings
from adapters.settings.fetching import FetchingSettings
from adapters.settings.observing import ObservingSettings
from adapters.settings.operating import OperatingSettings
from adapters.settings.serving import ServingSettings
from adapters.settings.trust import TrustSettings
from adapters.settings.vectors import VectorsSettings

PREFIX = "AVATARIUM_"
ENV_FILE = ".env"


class SettingsError(Exception):
    """The server cannot start as it is configured. The text says which variable, why, and what to do."""


class Settings(
    ServingSettings,
    DatabaseSettings,
    TrustSettings,
    AiSettings,
    FetchingSettings,
    EmbeddingSettings,
    VectorsSettings,
    ObservingSettings,
    OperatingSettings,
    BaseSettings,
):
    """One group for each room of the adapters that has something to set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
    )


def variables() -> dict[str, str]:
    """Every variable's name, and the name of its field."""
    return {str(info.validation_alias or PREFIX + name.upper()): name for name, info in Settings.model_fields.items()}


def environment() -> dict[str, str]:
    """The variables of the process, and those of `.env` that it does not set itself."""
    try:
        found = dotenv_values(ENV_FILE, encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{ENV_FILE}: cannot be read as UTF-8 text; correct or remove the file") from None
    return {**{name: value or "" for name, value in found.items()}, **os.environ}


def load() -> Settings:
    """Raises `SettingsError`, which names every wrong or unknown variable and repeats no value."""
    problems = unknown(environment())
    try:
        settings = Settings()
    except ValidationError as error:
        problems += explained(error)
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def unknown(environ: Mapping[str, str]) -> list[str]:
    known = [name.removeprefix(PREFIX) for name in variables() if name.startswith(PREFIX)]
    ours = {name: name.upper().removeprefix(PREFIX) for name in sorted(environ) if name.upper().startswith(PREFIX)}
    return [
        f"{name}: there is no such variable; {suggestion(bare, known)}"
        for name, bare in ours.items()
        if bare not in known
    ]


def suggestion(bare: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(bare, known, n=1)
    return f"did you mean {PREFIX}{nearest[0]}?" if nearest else "docs/settings.md lists those that there are"


def explained(error: ValidationError) -> list[str]:
    """One line for each wrong variable. A default that waits for a wrong one is no error of its own."""
    faults = [fault for fault in error.errors() if fault["type"] != "default_factory_not_called"]
    lines = {str(fault["loc"][0]): fault["msg"].removeprefix("Value error, ") for fault in faults}
    return [explanation(location, message) for location, message in lines.items()]


def explanation(location: str, message: str) -> str:
    """`location` is what pydantic calls a field: its alias where it has one."""
    names = variables()
    name = location if location in names else PREFIX + location.upper()
    extra = Settings.model_fields[names[name]].json_schema_extra
    takes = extra["takes"] if isinstance(extra, dict) else "another value"
    return f"{name}: {message[:1].lower()}{message[1:]}; it takes {takes}"
