"""A Chroma server on a free port of 127.0.0.1, with its data in a directory that goes with it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("chroma")
START_SECONDS = 60
POLL = 0.05


@pytest.fixture(scope="session", name="chroma_server")
def chroma_server_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. All tests share it, so each uses avatars of its own."""
    with running_chroma(tmp_path_factory.mktemp("chroma")) as url:
        yield url


@contextmanager
def running_chroma(directory: Path) -> Iterator[str]:
    port = free_port()
    options = ("--host", "127.0.0.1", "--port", str(port), "--path", str(directory))
    process = subprocess.Popen([PROGRAM, "run", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(int(START_SECONDS / POLL)):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if process.poll() is not None:
                break
            time.sleep(POLL)
        else:
            return
    raise RuntimeError("The Chroma server did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
