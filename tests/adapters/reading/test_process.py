"""The reading process: what it may use, and what happens when it fails."""

import asyncio
import math
import os
import select
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.processes.giving_way import NICENESS
from adapters.reading.child import start, started
from adapters.reading.limits import ReadingLimits
from adapters.reading.process import ProcessReader, open_reader
from domain.knowledge.reading import FailureCode, Raw, Unreadable
from tests.parts import documents

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = Raw(b"We are open on weekdays from nine to five.", "text/plain")
LARGE = Raw(b"We open at nine. \n\n" * 500_000, "text/plain")
PAGE = Raw(b"<p>We open at nine.</p>", "text/html")
COMPUTES_FOR_EVER = "while True: pass"
WAITS_FOR_EVER = "import signal; signal.pause()"
HOARDS_FOR_EVER = """
hoard = []
while True:
    hoard.append(bytes(2**20))
"""
PATIENT = ReadingLimits(cpu_seconds=3600, seconds=math.inf, idle_seconds=math.inf)
"""No machine is too slow for it."""
Parser = Callable[[str], None]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[ProcessReader]:
    async with open_reader(PATIENT) as reader:
        yield reader


@pytest.fixture
def parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parser:
    """Puts a program into the place of the parser of web pages, for the processes that begin afterwards."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)

    def put(program: str) -> None:
        (tmp_path / "trafilatura.py").write_text(program)

    return put


async def failure(reader: ProcessReader, raw: Raw) -> FailureCode:
    with pytest.raises(Unreadable) as failed:
        await reader.read(raw)
    return failed.value.code


async def has_ended(pid: int) -> None:
    """Whether or not anybody has asked for its exit code."""
    try:
        ending = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    await asyncio.to_thread(select.select, [ending], [], [])
    os.close(ending)


async def test_one_process_reads_every_kind(reader: ProcessReader) -> None:
    pids = set()
    for name, body in documents.KINDS.items():
        assert (await reader.read(Raw(body, "", name))).pieces
        pids.add(reader.pid)
    assert len(pids) == 1


async def test_a_document_arrives_whole(reader: ProcessReader) -> None:
    document = await reader.read(Raw(documents.PAGE.encode(), "text/html", url="https://ravenna.example/today"))
    assert document.title == "Opening hours - Ravenna Bakery"
    assert document.links[0] == "https://ravenna.example/"
    assert {(piece.title, piece.url, piece.language) for piece in document.pieces} == {
        (document.title, "https://ravenna.example/hours", "en")
    }


async def test_many_ask_and_one_process_reads(reader: ProcessReader) -> None:
    bodies = [f"Passage number {number}." for number in range(8)]
    found = await asyncio.gather(*[reader.read(Raw(body.encode(), "text/plain")) for body in bodies])
    assert [document.pieces[0].text for document in found] == bodies


@pytest.mark.parametrize("kind", ["a.pdf", "a.docx"])
async def test_a_damaged_file_is_told_from_an_empty_one(reader: ProcessReader, kind: str) -> None:
    assert await failure(reader, Raw(documents.KINDS[kind][:300], "", kind)) is FailureCode.BROKEN
    assert await failure(reader, Raw(b"", "", kind)) is FailureCode.EMPTY
    assert (await reader.read(TEXT)).pieces


async def killed_while_reading(
    reader: ProcessReader, number: signal.Signals = signal.SIGKILL
) -> asyncio.Task[tuple[FailureCode, bool] | None]:
    """Killed when it was sent so much of a document that the rest has to wait."""
    if reader.pid:
        os.kill(reader.pid, signal.SIGSTOP)
    reading = asyncio.create_task(outcome(reader, LARGE))
    await until_it_is_sent(reader)
    assert reader.pid
    os.kill(reader.pid, number)
    return reading


async def outcome(reader: ProcessReader, raw: Raw) -> tuple[FailureCode, bool] | None:
    """Why it cannot be read, and whether that may pass."""
    try:
        await reader.read(raw)
    except Unreadable as unreadable:
        return unreadable.code, unreadable.passing
    return None


@pytest.mark.parametrize(
    ("number", "code", "passing"),
    [
        (signal.SIGSEGV, FailureCode.BROKEN, False),
        (signal.SIGXCPU, FailureCode.TOO_SLOW, False),
        (signal.SIGKILL, FailureCode.TOO_SLOW, True),
    ],
)
async def test_a_document_that_ends_a_new_process_is_refused(
    number: signal.Signals, code: FailureCode, passing: bool
) -> None:
    """Only a full machine kills what may be read later."""
    async with open_reader(PATIENT) as reader:
        assert await (await killed_while_reading(reader, number)) == (code, passing)
        assert (await reader.read(TEXT)).pieces


async def test_a_document_is_read_again_when_an_older_process_dies(reader: ProcessReader) -> None:
    await reader.read(TEXT)
    assert await (await killed_while_reading(reader)) is None


async def test_a_process_that_is_killed_between_documents_is_replaced(reader: ProcessReader) -> None:
    await reader.read(TEXT)
    assert reader.pid
    os.kill(reader.pid, signal.SIGKILL)
    await has_ended(reader.pid)
    assert (await reader.read(TEXT)).pieces


async def test_a_document_that_takes_too_long_is_given_up(parser: Parser) -> None:
    parser(WAITS_FOR_EVER)
    async with open_reader(ReadingLimits(seconds=0.01)) as reader:
        assert await failure(reader, PAGE) is FailureCode.TOO_SLOW
        assert reader.pid is None


async def test_processor_time_is_limited(parser: Parser) -> None:
    parser(COMPUTES_FOR_EVER)
    async with open_reader(replace(PATIENT, cpu_seconds=1)) as reader:
        assert await failure(reader, PAGE) is FailureCode.TOO_SLOW
        assert reader.pid is None


async def test_memory_is_limited(parser: Parser) -> None:
    parser(HOARDS_FOR_EVER)
    async with open_reader(replace(PATIENT, memory_bytes=400 * 1024 * 1024)) as reader:
        assert await failure(reader, PAGE) is FailureCode.TOO_SLOW
        assert reader.pid is None
        assert (await reader.read(TEXT)).pieces


async def left_when(reader: ProcessReader, raw: Raw, reached: Awaitable[object]) -> None:
    reading = asyncio.create_task(reader.read(raw))
    await reached
    reading.cancel()
    await asyncio.wait({reading})


async def until_it_is_sent(reader: ProcessReader) -> None:
    """Until so much of a document is sent that the rest has to wait."""
    while reader._child is None or not reader._child.questions.transport.get_write_buffer_size():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def test_who_leaves_at_once_leaves_a_reader_that_reads(reader: ProcessReader) -> None:
    await left_when(reader, LARGE, asyncio.sleep(0))
    assert (await reader.read(TEXT)).pieces


async def test_who_leaves_while_a_document_is_sent_ends_the_process(reader: ProcessReader) -> None:
    await reader.read(TEXT)
    pid = reader.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    await left_when(reader, LARGE, until_it_is_sent(reader))
    await has_ended(pid)
    assert (await reader.read(TEXT)).pieces


async def test_who_leaves_while_a_document_is_read_ends_the_process(parser: Parser, tmp_path: Path) -> None:
    os.mkfifo(begun := tmp_path / "begun")
    parser(f"open({str(begun)!r}, 'w').close(); {WAITS_FOR_EVER}")
    async with open_reader(PATIENT) as reader:
        await reader.read(TEXT)
        pid = reader.pid
        assert pid
        await left_when(reader, PAGE, asyncio.to_thread(begun.read_text))
        await has_ended(pid)
        assert (await reader.read(TEXT)).pieces


async def test_a_process_that_talks_on_can_be_killed() -> None:
    child = await start(["yes"], {"PATH": os.environ["PATH"]})
    await child.answers.readexactly(1)
    assert await child.kill() == -signal.SIGKILL


async def test_one_that_nobody_waits_for_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []
    given_up, noted = threading.Event(), threading.Event()

    def note(*given: Any) -> Any:
        given_up.wait()
        process = started(*given)
        pids.append(process.pid)
        noted.set()
        return process

    monkeypatch.setattr("adapters.reading.child.started", note)
    starting = asyncio.create_task(start(["sleep", "1000"], {"PATH": os.environ["PATH"]}))
    await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait({starting})
    given_up.set()
    await asyncio.to_thread(noted.wait)
    await has_ended(pids[0])


async def test_the_exit_code_of_a_process_that_is_just_dying_is_its_own() -> None:
    codes = set()
    for _ in range(100):
        child = await start(["sh", "-c", "kill -XCPU $$"], {"PATH": os.environ["PATH"]})
        await child.answers.read()
        codes.add(await child.kill())
    assert codes == {-signal.SIGXCPU}


async def test_an_idle_process_ends() -> None:
    async with open_reader(replace(PATIENT, idle_seconds=0)) as reader:
        await reader.read(TEXT)
        if pid := reader.pid:
            await has_ended(pid)
        assert (await reader.read(TEXT)).pieces


async def test_closing_ends_the_process() -> None:
    async with open_reader(PATIENT) as reader:
        await reader.read(TEXT)
        pid = reader.pid
    assert pid
    await has_ended(pid)


async def test_the_process_knows_no_secret_and_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATARIUM_SECRET_KEY", "hush")
    async with open_reader(PATIENT) as reader:
        await reader.read(TEXT)
        assert reader.pid
        environment = await asyncio.to_thread(Path(f"/proc/{reader.pid}/environ").read_text)
        assert "PATH=" in environment
        assert "hush" not in environment
        assert os.getpriority(os.PRIO_PROCESS, reader.pid) == min(os.nice(0) + NICENESS, 19)
        if sys.platform == "linux":
            assert os.sched_getscheduler(reader.pid) == os.SCHED_IDLE
