"""Telemetry that a test can read."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from domain.ports import Telemetry
from domain.telemetry import TurnReport


class FakeTelemetry(Telemetry):
    """`running` turns, `listeners` of them, and the `reports` of those that are over."""

    def __init__(self) -> None:
        self.running = self.listeners = 0
        self.reports: asyncio.Queue[TurnReport] = asyncio.Queue()

    def turn_began(self) -> None:
        self.running += 1

    def turn_ended(self, report: TurnReport) -> None:
        self.running -= 1
        self.reports.put_nowait(report)

    @contextmanager
    def listening(self) -> Iterator[None]:
        self.listeners += 1
        try:
            yield
        finally:
            self.listeners -= 1
