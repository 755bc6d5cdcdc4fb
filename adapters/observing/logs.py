"""The server's log: one line for each event, without a visitor's words, a prompt or a key.

Only our own messages are printed, and those of libraries that quote nothing. An exception is printed
as its kind and place: its text may quote what it was given.
"""

import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from domain.errors import place_of

FIELDS = ("request_id", "method", "route", "status", "ms")
"""What a record may carry in `extra`."""
BELIEVED = frozenset({"avatarium", "adapters", "alembic", "opentelemetry", "uvicorn"})


def log_to_stderr(level: str, format_: str | None) -> None:
    """`format_` is json or text; None is text on a terminal. Of others than us only warnings are logged."""
    handler = logging.StreamHandler()
    as_text = format_ == "text" or (format_ is None and sys.stderr.isatty())
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("avatarium").setLevel(level.upper())
    logging.captureWarnings(True)


class JsonFormatter(logging.Formatter):
    """One JSON object: time, level, logger, message, and where there is one, error and each of `FIELDS`."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message_of(record),
            **dict(details(record)),
        }
        return orjson.dumps(told, default=str).decode()


class TextFormatter(logging.Formatter):
    """A line to read."""

    def format(self, record: logging.LogRecord) -> str:
        told = "".join(f" {name}={value}" for name, value in details(record))
        message = message_of(record).replace("\n", " ")
        return f"{record.levelname} {record.name}: {message}{told}"


def message_of(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in BELIEVED:
        return record.getMessage()
    return f"withheld, since it may quote a visitor: a message from {record.filename}:{record.lineno}"


def details(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    for name in FIELDS:
        if (value := getattr(record, name, None)) is not None:
            yield name, value
    if record.exc_info and (error := record.exc_info[1]):
        yield "error", f"{type(error).__name__} at {place_of(error)}"
