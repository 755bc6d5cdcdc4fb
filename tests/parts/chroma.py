"""A Chroma server on a free port of 127.0.0.1, with its data in a directory that goes with it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.parts.ports import free_port, listening

PROGRAM = Path(sys.executable).with_name("chroma")


@pytest.fixture(scope="session", name="chroma_server")
def chroma_server_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. All tests share it, so each uses avatars of its own."""
    with running_chroma(tmp_path_factory.mktemp("chroma")) as url:
        yield url


@contextmanager
def running_chroma(directory: Path) -> Iterator[str]:
    port = free_port()
    options = ("--host", "127.0.0.1", "--port", str(port), "--path", str(directory))
    with listening([PROGRAM, "run", *options], port):
        yield f"http://127.0.0.1:{port}"
