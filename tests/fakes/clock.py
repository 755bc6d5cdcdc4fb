"""A clock that only a test moves."""

from datetime import UTC, datetime, timedelta

from domain.ports import Clock

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class FakeClock(Clock):
    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Lets time pass, for both kinds of time."""
        if seconds < 0:
            raise ValueError("time only passes forwards; use set() for a clock that is put back")
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set(self, now: datetime) -> None:
        """Sets the time of day, back as well as forth, as an operator or NTP does. No time passes."""
        self._now = now
