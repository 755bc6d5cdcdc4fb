"""Every setting: read once from the environment and `.env`, checked, explained when wrong."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from adapters.settings import values
from domain.ai.providers import Patience
from domain.avatars import AiProvider
from domain.network.addresses import is_loopback
from domain.network.origins import is_local_name

PREFIX = "AVATARIUM_"
ENV_FILE = ".env"
SECRET_MIN = 32


class SettingsError(Exception):
    """The server cannot start as it is configured. The text says which variable, why, and what to do."""


def variable(default: Any, meaning: str, takes: str, **more: Any) -> Any:
    """A field whose description the documents repeat, and which errors explain by `takes`."""
    return Field(default, description=meaning, json_schema_extra={"takes": takes}, **more)


def derived(meaning: str, takes: str, default: Any) -> Any:
    """As `variable`; the default is computed from the fields above it."""
    return Field(default_factory=default, description=meaning, json_schema_extra={"takes": takes})


def api_key(name: str, provider: str) -> Any:
    return variable(None, f"The server's own key for {provider}.", f"a key of {provider}", validation_alias=name)


def base_of(name: str, provider: str) -> Any:
    meaning = f"Where {provider}'s API is, when it is not the provider's own address: a proxy or a test server."
    return variable(None, meaning, "an http or https address", validation_alias=name)


def hidden_database_url(url: SecretStr) -> SecretStr:
    return SecretStr(values.database_url(url.get_secret_value()))


Seconds = Annotated[PositiveFloat, Field(allow_inf_nan=False)]
ApiBase = Annotated[str, AfterValidator(values.api_base)]
Network = Annotated[values.Network, PlainValidator(values.network)]
PrivateHost = Annotated[str, PlainValidator(values.private_host)]
Listed = BeforeValidator(values.listed)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )

    host: Annotated[str, AfterValidator(values.host)] = variable(
        "127.0.0.1",
        "The address to listen on. Only this machine reaches 127.0.0.1; 0.0.0.0 listens everywhere.",
        "an IP address or a host name",
    )
    port: int = variable(8000, "The port to listen on.", "a number from 1 to 65535", ge=1, le=65535)
    public_url: Annotated[str, AfterValidator(values.origin)] = derived(
        "The address under which browsers reach this server; links and embed codes are built from it.",
        "an http or https address without a path, such as https://avatars.example.com",
        lambda known: values.local_url(known["host"], known["port"]),
    )
    data_dir: Annotated[Path, AfterValidator(values.directory)] = variable(
        Path("data"), "The directory of the database, the key file and uploads.", "a directory", validate_default=True
    )
    database_url: Annotated[SecretStr, AfterValidator(hidden_database_url)] = derived(
        "The database: an SQLite file or a PostgreSQL database.",
        "an address such as sqlite:////absolute/path.db or postgresql://user:password@host/database",
        lambda known: SecretStr(f"sqlite:///{known['data_dir'] / 'avatarium.db'}"),
    )
    secret_key: Annotated[tuple[SecretStr, ...], NoDecode, Listed] = variable(
        (),
        "Secrets, separated by commas: the first seals stored keys and signs sign-in tokens, the others still open "
        "what they sealed. When unset, secret.key in the data directory is used, and created at first.",
        f"one or more random texts of at least {SECRET_MIN} characters, separated by commas",
    )
    firebase_project_id: str | None = variable(
        None, "The Firebase project whose users may sign in. When unset, sign-in is local.", "a Firebase project id"
    )
    development: bool = variable(
        False,
        "Development mode: allows the Firebase emulator, serves GraphiQL and tells strangers the GraphQL schema. "
        "Never set it on a public server.",
        "true or false",
    )
    demo: bool = variable(
        True, "Makes the demo account and its avatar, which knows this manual, at the first start.", "true or false"
    )
    allow_remote_local_sign_in: bool = variable(
        False,
        "Allows local sign-in on a server that other machines reach. Whoever holds a sign-in link is its owner.",
        "true or false",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, Listed] = variable(
        (),
        "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
        "IP addresses or networks, separated by commas, such as 10.0.0.0/8,192.168.1.4",
    )
    allow_private_hosts: Annotated[tuple[PrivateHost, ...], NoDecode, Listed] = variable(
        (),
        "Private hosts that avatars may use all the same, for a model server on your own network.",
        "host:port entries, separated by commas, such as 127.0.0.1:11434",
    )
    max_body_bytes: PositiveInt = variable(
        1_048_576, "The largest request body that is accepted.", "a number of bytes above zero"
    )
    shutdown_timeout: Seconds = variable(
        30.0, "Seconds that a shutdown may take in all; then the process ends by force.", "seconds above zero"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(values.lowered)] = variable(
        "info", "How much is logged.", "debug, info, warning or error"
    )
    log_format: Annotated[Literal["json", "text"], BeforeValidator(values.lowered)] | None = variable(
        None, "How the log is written. When unset: text on a terminal, else one JSON object a line.", "json or text"
    )
    metrics_token: Annotated[SecretStr, Field(min_length=SECRET_MIN)] | None = variable(
        None,
        "The bearer token with which Prometheus reads /metrics. When unset, nothing is measured.",
        f"a random text of at least {SECRET_MIN} characters",
    )
    otel_exporter_otlp_endpoint: ApiBase | None = variable(
        None,
        "The OpenTelemetry collector that traces are sent to, over HTTP. When unset, nothing is traced.",
        "an http or https address, such as http://127.0.0.1:4318",
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
    )
    embeddings: Annotated[str, AfterValidator(values.embeddings)] = variable(
        "minilm",
        "The model that finds knowledge by its meaning: minilm runs here and is fetched once, none searches by words.",
        "minilm, none, or a model such as openai/text-embedding-3-small or gemini/gemini-embedding-001",
    )
    chroma_url: Annotated[str, AfterValidator(values.origin)] | None = variable(
        None,
        "The Chroma server that keeps the vectors of knowledge. When unset, they are kept in the data directory.",
        "an http or https address without a path, such as http://chroma.example.com:8000",
    )
    ai_connect_timeout: Seconds = variable(
        5.0, "Seconds to wait for the connection to an AI provider.", "seconds above zero"
    )
    ai_first_token_timeout: Seconds = variable(
        15.0, "Seconds to wait for an AI provider's first words.", "seconds above zero"
    )
    ai_between_tokens_timeout: Seconds = variable(
        10.0, "Seconds to wait between two parts of a reply.", "seconds above zero"
    )
    ai_total_timeout: Seconds = variable(120.0, "Seconds that one reply may take in all.", "seconds above zero")
    openai_api_key: SecretStr | None = api_key("OPENAI_API_KEY", "OpenAI")
    anthropic_api_key: SecretStr | None = api_key("ANTHROPIC_API_KEY", "Anthropic")
    gemini_api_key: SecretStr | None = api_key("GEMINI_API_KEY", "Google Gemini")
    xai_api_key: SecretStr | None = api_key("XAI_API_KEY", "xAI")
    groq_api_key: SecretStr | None = api_key("GROQ_API_KEY", "Groq")
    openai_api_base: ApiBase | None = base_of("OPENAI_API_BASE", "OpenAI")
    anthropic_api_base: ApiBase | None = base_of("ANTHROPIC_API_BASE", "Anthropic")
    gemini_api_base: ApiBase | None = base_of("GEMINI_API_BASE", "Google Gemini")
    xai_api_base: ApiBase | None = base_of("XAI_API_BASE", "xAI")
    groq_api_base: ApiBase | None = base_of("GROQ_API_BASE", "Groq")

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret.get_secret_value() for secret in self.secret_key)

    @property
    def patience(self) -> Patience:
        return Patience(self.ai_first_token_timeout, self.ai_between_tokens_timeout, self.ai_total_timeout)

    @property
    def provider_keys(self) -> Mapping[AiProvider, str]:
        """The keys that are set, by provider."""
        keys = {
            AiProvider.OPENAI: self.openai_api_key,
            AiProvider.ANTHROPIC: self.anthropic_api_key,
            AiProvider.GOOGLE: self.gemini_api_key,
            AiProvider.XAI: self.xai_api_key,
            AiProvider.GROQ: self.groq_api_key,
        }
        return {provider: key.get_secret_value() for provider, key in keys.items() if key}

    @property
    def provider_bases(self) -> Mapping[AiProvider, str]:
        """The addresses that are set, by provider, without a slash at the end."""
        bases = {
            AiProvider.OPENAI: self.openai_api_base,
            AiProvider.ANTHROPIC: self.anthropic_api_base,
            AiProvider.GOOGLE: self.gemini_api_base,
            AiProvider.XAI: self.xai_api_base,
            AiProvider.GROQ: self.groq_api_base,
        }
        return {provider: base for provider, base in bases.items() if base}

    @property
    def models_dir(self) -> Path:
        return self.data_dir / "models"

    @property
    def vectors_dir(self) -> Path:
        return self.data_dir / "vectors"

    @property
    def is_local(self) -> bool:
        """Whether only this machine is meant to reach the server."""
        return is_loopback(self.host) and is_loopback(values.http_url(self.public_url).hostname)

    def answers_to(self, host: str | None) -> bool:
        """Whether a request may ask for the server by this `Host`."""
        return not is_loopback(self.host) or is_local_name(host, self.public_url)


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
