"""What a provider's HTTP status means to us."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from adapters.ai.failures import http_failure


@pytest.mark.parametrize(
    ("status", "refused"), [(400, True), (401, True), (403, True), (404, False), (429, False), (500, False)]
)
def test_which_statuses_are_the_callers_own_fault(status: int, refused: bool) -> None:
    failure = http_failure(status)
    assert (failure.reason, failure.refused, failure.retry_after) == (f"http_{status}", refused, None)
    assert failure.of_key == (status in (401, 403))


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0", 0.0), ("1.5", 1.5), (" 20 ", 20.0), ("-3", 0.0)])
def test_retry_after_in_seconds(header: str, seconds: float) -> None:
    assert http_failure(429, header).retry_after == seconds


def test_retry_after_as_a_date() -> None:
    date = datetime.now(UTC) + timedelta(days=1)
    wait = http_failure(429, format_datetime(date, usegmt=True)).retry_after
    assert wait == pytest.approx(86_400, abs=60)


def test_retry_after_as_a_date_that_has_passed() -> None:
    assert http_failure(429, "Wed, 21 Oct 2015 07:28:00 GMT").retry_after == 0.0


@pytest.mark.parametrize(
    "header", [None, "", "soon", "nan", "inf", "Wed, 99 Oct 2015", "Wed, 21 Oct 2015 07:28:00 -0000"]
)
def test_retry_after_that_says_nothing(header: str | None) -> None:
    assert http_failure(429, header).retry_after is None
