"""What a provider's HTTP status means to us: the same for both roads to a model."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from domain.errors import ProviderFailure

KEY_REFUSALS = frozenset({401, 403})
REFUSALS = KEY_REFUSALS | {400}


def http_failure(status: int, retry_after: str | None = None) -> ProviderFailure:
    """`retry_after` is the value of the header of that name, where there is one."""
    return ProviderFailure(
        f"http_{status}",
        refused=status in REFUSALS,
        of_key=status in KEY_REFUSALS,
        retry_after=seconds(retry_after),
    )


def seconds(retry_after: str | None) -> float | None:
    """A `Retry-After` header, which is a number of seconds or a date; None for anything else."""
    if retry_after is None:
        return None
    try:
        wait = float(retry_after)
    except ValueError:
        wait = seconds_until(retry_after)
    return max(0.0, wait) if math.isfinite(wait) else None


def seconds_until(date: str) -> float:
    """From now to an HTTP date; not a number for any other text."""
    try:
        return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return math.nan
