"""A process beside ours: one at a time, gone when it is idle, and started again when it is needed."""

import asyncio
import os
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from adapters.processes import own_process
from adapters.processes.giving_way import NICENESS
from adapters.processes.own_process import OwnProcess


def begin(log: Path) -> None:
    noted.append(log)
    note("begin")


noted: list[Path] = []


def note(word: str) -> None:
    with noted[0].open("a") as log:
        log.write(f"{word}\n")


def end() -> None:
    note("end")


def told(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


def niceness() -> int:
    return os.nice(0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


async def test_it_begins_once_for_all_who_ask_and_ends_in_order(log: Path) -> None:
    process = OwnProcess(begin, log, end=end)
    assert told(log) == []
    assert len(set(await asyncio.gather(*(process.do(os.getpid) for _ in range(4))))) == 1
    assert await process.do(niceness) == min(os.nice(0) + NICENESS, 19)
    if sys.platform == "linux":
        assert await process.do(os.sched_getscheduler, 0) == os.SCHED_IDLE
    await process.close()
    assert told(log) == ["begin", "end"]


async def test_what_is_raised_there_is_raised_here(log: Path) -> None:
    process = OwnProcess(begin, log)
    with pytest.raises(FileNotFoundError):
        await process.do(os.listdir, log.with_name("nowhere"))
    await process.close()


async def test_one_that_dies_is_started_again(log: Path) -> None:
    process = OwnProcess(begin, log, end=end)
    first = await process.do(os.getpid)
    with pytest.raises(BrokenProcessPool):
        await process.do(os._exit, 1)
    assert await process.do(os.getpid) != first
    await process.close()
    assert told(log) == ["begin", "begin", "end"]


async def test_one_that_died_ends_without_complaint(log: Path) -> None:
    process = OwnProcess(begin, log, end=end)
    with pytest.raises(BrokenProcessPool):
        await process.do(os._exit, 1)
    await process.close()
    await process.close()


async def test_an_idle_one_ends_and_another_comes_when_it_is_needed(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process, "IDLE_SECONDS", 0)
    process = OwnProcess(begin, log, end=end)
    first = await process.do(os.getpid)
    while "end" not in told(log):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert await process.do(os.getpid) != first
    await process.close()
    assert told(log) == ["begin", "end", "begin", "end"]
