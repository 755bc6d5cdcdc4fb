"""What a line of the log looks like, and what it never holds."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest

from adapters.observing.logs import JsonFormatter, TextFormatter, log_to_stderr

WORDS = "a visitor's words"


SetUp = Callable[[str, str | None], io.StringIO]


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetUp]:
    """Sets the log up as a new process does; gives its standard error."""
    printed, root, ours = io.StringIO(), logging.getLogger(), logging.getLogger("avatarium")
    before = root.level, ours.level

    def set_up(level: str, format_: str | None) -> io.StringIO:
        monkeypatch.setattr(sys, "stderr", printed)
        monkeypatch.setattr(root, "handlers", [])
        log_to_stderr(level, format_)
        return printed

    yield set_up
    root.setLevel(before[0])
    ours.setLevel(before[1])
    logging.captureWarnings(False)


def read(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_one_json_object_where_no_terminal_is(set_up: SetUp) -> None:
    lines = set_up("info", None)
    logging.getLogger("avatarium.turns").warning("two\n%s", "lines", extra={"request_id": "r-1", "status": 200})
    (line,) = read(lines)
    assert str(line.pop("time")).endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "avatarium.turns",
        "message": "two\nlines",
        "request_id": "r-1",
        "status": 200,
    }


def test_a_line_can_be_text(set_up: SetUp) -> None:
    lines = set_up("info", "text")
    logging.getLogger("avatarium.turns").warning("two\n%s", "lines", extra={"request_id": "r-1"})
    assert lines.getvalue() == "WARNING avatarium.turns: two lines request_id=r-1\n"


def test_the_level_is_ours_and_libraries_only_warn(set_up: SetUp) -> None:
    lines = set_up("debug", "json")
    logging.getLogger("avatarium.turns").debug("ours")
    logging.getLogger("aiosqlite").debug("executing %s", WORDS)
    logging.getLogger("alembic").info("running")
    assert [line["message"] for line in read(lines)] == ["ours"]


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
@pytest.mark.parametrize("name", ["asyncio", "aiohttp.server", "LiteLLM", "py.warnings", "opentelemetry_fake"])
def test_a_librarys_message_is_withheld(formatter: logging.Formatter, name: str) -> None:
    record = logging.LogRecord(name, logging.ERROR, "/x/place.py", 7, f"it said: {WORDS} %s", (WORDS,), None)
    printed = formatter.format(record)
    assert WORDS not in printed
    assert f"{name}" in printed
    assert "place.py:7" in printed


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
@pytest.mark.parametrize("name", ["avatarium.turns", "uvicorn.error", "asyncio"])
def test_an_exception_is_its_kind_and_place(formatter: logging.Formatter, name: str) -> None:
    try:
        raise ValueError(WORDS)
    except ValueError:
        record = logging.LogRecord(name, logging.ERROR, "/x/place.py", 7, "failed", (), sys.exc_info())
    printed = formatter.format(record)
    assert WORDS not in printed
    assert f"ValueError at {__file__}" in printed


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
def test_what_is_no_field_is_not_printed(formatter: logging.Formatter) -> None:
    record = logging.LogRecord("avatarium", logging.ERROR, "/x/place.py", 7, "failed", (), None)
    vars(record)["body"] = WORDS
    assert WORDS not in formatter.format(record)
