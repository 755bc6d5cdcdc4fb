"""What is told of the server's work, and to whom."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from adapters.settings import values
from adapters.settings.fields import ApiBase, Group, variable
from adapters.settings.values import SECRET_MIN


class ObservingSettings(Group):
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
