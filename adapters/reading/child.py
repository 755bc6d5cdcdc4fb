"""A process that is talked with over a socket.

asyncio starts processes on the event loop: for as long as it takes to copy the page tables of a large server, or until
the other program has begun. Here a thread waits for that.
"""

import asyncio
import socket
import subprocess
from asyncio import Future, StreamReader, StreamWriter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Child:
    """Its standard input are `questions`, its standard output are `answers`."""

    process: subprocess.Popen[bytes]
    questions: StreamWriter
    answers: StreamReader

    async def kill(self) -> int:
        """The exit code: its own, if the process was going by itself."""
        self.questions.transport.abort()
        self.process.kill()
        return await asyncio.to_thread(self.process.wait)


async def start(command: Sequence[str], environment: Mapping[str, str]) -> Child:
    ours, theirs = socket.socketpair()
    starting = asyncio.get_running_loop().run_in_executor(None, started, command, environment, theirs)
    try:
        process = await asyncio.shield(starting)
    except BaseException:
        ours.close()
        starting.add_done_callback(end)
        raise
    answers, questions = await asyncio.open_unix_connection(sock=ours)
    return Child(process, questions, answers)


def started(command: Sequence[str], environment: Mapping[str, str], pipe: socket.socket) -> subprocess.Popen[bytes]:
    """The pipe is the process's alone afterwards."""
    with pipe:
        both = pipe.fileno()
        return subprocess.Popen(command, env=environment, stdin=both, stdout=both, stderr=subprocess.DEVNULL)  # noqa: S603


def end(starting: "Future[subprocess.Popen[bytes]]") -> None:
    """Of a process that nobody waits for any more."""
    if not starting.cancelled() and not starting.exception():
        starting.result().kill()
        starting.result().wait()
