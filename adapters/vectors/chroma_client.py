"""Chroma's own clients: embedded in a directory, or of a server."""

import shutil
import sqlite3
from contextlib import closing
from os import SEEK_END
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

import aiohttp
from filelock import FileLock, Timeout

if TYPE_CHECKING:
    import httpx
    from chromadb.api.client import Client
    from chromadb.config import Settings

DATABASE_FILE = "chroma.sqlite3"
SOILED = "soiled"
LOCK = "lock"
DATABASE_BEGINS = b"SQLite format 3\0"
HEADER = Struct("<iQQQQ")
# In seconds, for each wait of a request.
TIMEOUT = 30.0
HEARTBEAT_TIMEOUT = 5.0
# In seconds: a process whose server was killed may still end a write.
LOCK_TIMEOUT = 30.0


class Chroma(Protocol):
    """Where the collections are. Its methods block: `import chromadb` alone takes more than a second."""

    def open(self) -> "Client": ...
    def close(self, client: "Client") -> None: ...
    def tidy(self) -> None:
        """To be called after an addition. Takes off the disk what the index of a new collection should not hold."""
        ...

    def soil(self) -> None:
        """Comes before a deletion, so that `wipe` is not forgotten if the process dies in between."""
        ...

    def wipe(self) -> None:
        """Takes what was deleted off the disk, as far as that is ours to do. Quick when nothing was."""
        ...


class EmbeddedChroma(Chroma):
    """`directory` belongs to one process at a time, and there to one thread, `wipe` included."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = FileLock(directory / LOCK, timeout=LOCK_TIMEOUT, thread_local=False)
        self._tidied = set[Path]()

    def open(self) -> "Client":
        """Waits while another process has the directory. Raises `filelock.Timeout`."""
        import chromadb

        self._directory.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        return cast("Client", chromadb.PersistentClient(self._directory, quiet_settings()))

    def close(self, client: "Client") -> None:
        client.close()
        self._lock.release()

    def tidy(self) -> None:
        """A new index is written once with room for more vectors, and there with whatever the memory held before."""
        for header in set(self._directory.glob("*/header.bin")) - self._tidied:
            blank_unused(header)
            self._tidied.add(header)

    def soil(self) -> None:
        (self._directory / SOILED).touch()

    def wipe(self) -> None:
        """Chroma frees pages of its database without overwriting them, and leaves folders of deleted collections."""
        self.tidy()
        if not (self._directory / SOILED).exists():
            return
        with closing(sqlite3.connect(self._directory / DATABASE_FILE)) as database:
            database.execute("VACUUM")
            used = {row[0] for row in database.execute("SELECT id FROM segments")}
        for folder in self._directory.iterdir():
            if folder.is_dir() and folder.name not in used:
                shutil.rmtree(folder)
        (self._directory / SOILED).unlink()


class ChromaServer(Chroma):
    """The server's disk is its own: `chroma vacuum` there takes deleted ids off it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def open(self) -> "Client":
        import chromadb

        parts = urlsplit(self._url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        found = chromadb.HttpClient(parts.hostname or "", port, ssl=secure, settings=quiet_settings())
        client = cast("Client", found)
        for session in sessions(client):
            session.timeout = TIMEOUT
        return client

    def close(self, client: "Client") -> None:
        for session in sessions(client):
            session.close()

    def tidy(self) -> None:
        return None

    def soil(self) -> None:
        return None

    def wipe(self) -> None:
        return None


def has_database(directory: Path) -> bool:
    """Whether Chroma's database is there, and is one."""
    try:
        with (directory / DATABASE_FILE).open("rb") as file:
            return file.read(len(DATABASE_BEGINS)) == DATABASE_BEGINS
    except FileNotFoundError:
        return False


def discard_remains(directory: Path, *others: Path) -> bool:
    """Removes what there is without its database, and other folders with it; whether there was anything.

    Leaves it to another process that has the directory by now.
    """
    try:
        lock = FileLock(directory / LOCK, timeout=0)
        remains = [each for each in (*directory.glob("*"), *others) if each.name != LOCK and each.exists()]
        if has_database(directory) or not remains:
            return False
        directory.mkdir(parents=True, exist_ok=True)
        with lock:
            if has_database(directory):
                return False
            for each in remains:
                shutil.rmtree(each) if each.is_dir() else each.unlink()
    except Timeout:
        return False
    return True


def blank_unused(header: Path) -> None:
    """Overwrites the room of an index that no vector has taken yet.

    The header begins with a version, an offset, and the elements that there is room for, that there are, and the
    bytes of each (`HEADER_FIELDS` in hnswlib/hnswalg.h, github.com/chroma-core/hnswlib). `length.bin` has a float each.
    """
    _, _, _, count, width = HEADER.unpack_from(header.read_bytes())
    for name, size in (("data_level0.bin", width), ("length.bin", 4)):
        with (header.parent / name).open("r+b") as file:
            end = file.seek(0, SEEK_END)
            file.seek(count * size)
            file.write(bytes(max(end - count * size, 0)))


async def server_answers(url: str) -> bool:
    timeout = aiohttp.ClientTimeout(total=HEARTBEAT_TIMEOUT)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as client, client.get(f"{url}/api/v2/heartbeat") as response:
            return response.ok
    except (aiohttp.ClientError, TimeoutError):
        return False


def sessions(client: "Client") -> list["httpx.Client"]:
    """Chroma gives them no timeout, and leaves them open."""
    parts: tuple[Any, ...] = (client, client._admin_client)
    return [part._server._session for part in parts]


def quiet_settings() -> "Settings":
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)
