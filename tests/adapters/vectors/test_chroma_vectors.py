"""What is special about the vectors in Chroma: restarts, several servers, and that nothing stays on the disk."""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from filelock import FileLock, Timeout

from adapters.vectors import chroma_client, chroma_vectors
from adapters.vectors.chroma_client import LOCK, EmbeddedChroma
from adapters.vectors.chroma_shards import ChromaShards
from adapters.vectors.chroma_vectors import CHECK_SECONDS, ChromaVectors, open_vectors
from adapters.vectors.matrices import digest
from domain.errors import Unavailable
from domain.knowledge.ports import Vector, Vectors
from tests.fakes.clock import FakeClock
from tests.parts.ports import free_port

MODEL, OTHER_MODEL = "minilm", "openai/text-embedding-3-small"
NORTH, EAST = (0.0, 1.0), (1.0, 0.0)
DIMENSION = 32
WIDE_MODEL = "a model of 32 numbers"
"""Avatars share collections on a server, where all vectors of one model are of one width."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "vectors"


def some_vectors(count: int, seed: int) -> dict[str, Vector]:
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION))
    return {str(uuid4()): row.tolist() for row in rows / np.linalg.norm(rows, axis=1, keepdims=True)}


def files(folder: Path) -> list[Path]:
    """The matrices'."""
    return list(folder.glob("matrices/*/*"))


def traces(folder: Path, vectors: dict[str, Vector]) -> set[str]:
    """The files that hold an id or the numbers of one of the vectors."""
    needles = [each.encode() for each in vectors]
    needles += [np.asarray(vector, np.float32).tobytes()[16:48] for vector in vectors.values()]
    return holding(folder, needles)


def holding(folder: Path, needles: Iterable[bytes]) -> set[str]:
    contents = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name for name, content in contents.items() if any(needle in content for needle in needles)}


def end_with(folder: Path, words: bytes) -> None:
    """Writes them over the end of the index's files, where there is room for more vectors."""
    for name in ("data_level0.bin", "length.bin"):
        (file,) = folder.rglob(name)
        file.write_bytes(file.read_bytes()[: -len(words)] + words)


async def found(vectors: Vectors, avatar: str, model: str = MODEL, toward: Vector = NORTH) -> list[str]:
    return [match.passage_id for match in await vectors.nearest(avatar, model, toward, 10)]


async def test_vectors_survive_a_restart(folder: Path) -> None:
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", {"a": NORTH})
        await vectors.put("avatar", MODEL, "item", {"b": EAST})
    async with open_vectors(folder, None, FakeClock()) as vectors:
        assert await found(vectors, "avatar") == ["a", "b"]
        await vectors.keep_only("avatar", "item", ["b"])
    async with open_vectors(folder, None, FakeClock()) as vectors:
        assert await found(vectors, "avatar") == ["b"]


def test_a_directory_has_one_user_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chroma_client, "LOCK_TIMEOUT", 0)
    one, other = EmbeddedChroma(folder), EmbeddedChroma(folder)
    client = one.open()
    with pytest.raises(Timeout):
        other.open()
    one.close(client)
    other.close(other.open())


async def test_a_lost_file_is_made_again_from_chroma(folder: Path) -> None:
    stored = some_vectors(50, 1)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", stored)
    (file,) = files(folder)
    content = file.read_bytes()
    file.unlink()
    async with open_vectors(folder, None, FakeClock()) as vectors:
        toward = next(iter(stored.values()))
        assert set(await found(vectors, "avatar", toward=toward)) <= set(stored)
        assert len(file.read_bytes()) == len(content)
        await vectors.keep_only("avatar", "item", [])
    assert traces(folder, stored) == set()


@pytest.mark.parametrize("damage", [b"", b"\x20\x00", bytes(3), b"\xff" * 500, b"\x20\x00\x00\x00" + b"\x80" * 800])
async def test_a_damaged_file_is_made_again_from_chroma(folder: Path, damage: bytes) -> None:
    stored = some_vectors(50, 1)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", stored)
    (file,) = files(folder)
    content = file.read_bytes()
    file.write_bytes(damage)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        assert set(await found(vectors, "avatar", toward=next(iter(stored.values())))) <= set(stored)
        assert len(file.read_bytes()) == len(content)


async def test_a_file_that_is_lost_meanwhile_is_made_again(folder: Path) -> None:
    first, second = some_vectors(3, 1), some_vectors(3, 2)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", first)
        (file,) = files(folder)
        file.unlink()
        file.parent.rmdir()
        await vectors.put("avatar", MODEL, "item", second)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        assert set(await found(vectors, "avatar", toward=next(iter(first.values())))) == {*first, *second}


async def test_a_file_that_cannot_be_used_is_unavailable(folder: Path) -> None:
    stored = some_vectors(3, 1)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", stored)
    (file,) = files(folder)
    file.unlink()
    file.mkdir()
    async with open_vectors(folder, None, FakeClock()) as vectors:
        with pytest.raises(Unavailable):
            await found(vectors, "avatar", toward=next(iter(stored.values())))


@pytest.mark.parametrize("remains", [None, b"", b"no database" * 1000])
async def test_without_its_database_nothing_is_kept_and_all_can_be_put_again(
    folder: Path, remains: bytes | None
) -> None:
    stored = some_vectors(3, 1)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        assert await vectors.is_empty()
        await vectors.put("avatar", MODEL, "item", stored)
    database = folder / "chroma" / "chroma.sqlite3"
    database.unlink()
    if remains is not None:
        database.write_bytes(remains)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        assert await vectors.is_empty()
        assert traces(folder, stored) == set()
        await vectors.put("avatar", MODEL, "item", stored)
        assert not await vectors.is_empty()
        assert await vectors.missing("avatar", MODEL, list(stored)) == []


async def test_what_another_process_begins_is_left_to_it(folder: Path) -> None:
    (folder / "chroma").mkdir(parents=True)
    begun = folder / "chroma" / "chroma.sqlite3"
    begun.touch()
    with FileLock(folder / "chroma" / LOCK):
        async with open_vectors(folder, None, FakeClock()):
            assert begun.exists()


async def test_a_record_that_a_crash_cut_off_is_put_again(folder: Path) -> None:
    first, second = some_vectors(3, 1), some_vectors(3, 2)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", first)
    (file,) = files(folder)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[4:100])
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", second)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        assert set(await found(vectors, "avatar", toward=next(iter(first.values())))) == {*first, *second}


async def test_a_removed_avatar_leaves_nothing_on_the_disk(folder: Path) -> None:
    gone, kept = some_vectors(40, 1), some_vectors(40, 2)
    avatar, item = str(uuid4()), str(uuid4())
    async with open_vectors(folder, None, FakeClock()) as vectors:
        for model in (MODEL, OTHER_MODEL):
            await vectors.put(avatar, model, item, gone)
            await vectors.put("kept", model, "kept item", kept)
        assert {"chroma.sqlite3", f"{digest(avatar)}.vectors"} <= traces(folder, gone)
        await vectors.remove_avatar(avatar)
        assert traces(folder, gone) | holding(folder, [avatar.encode(), item.encode()]) == set()
        assert {path.stem for path in files(folder)} == {digest("kept")}
        assert len(await found(vectors, "kept", toward=next(iter(kept.values())))) == 10
    assert traces(folder, gone) == set()


async def test_an_index_keeps_nothing_that_the_memory_held_before(folder: Path) -> None:
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", some_vectors(3, 1))
    end_with(folder, b"leaked!")
    assert holding(folder, [b"leaked!"]) == {"data_level0.bin", "length.bin"}
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", some_vectors(3, 2))
        assert holding(folder, [b"leaked!"]) == set()
        assert len(await found(vectors, "avatar", toward=[1.0] * DIMENSION)) == 6


async def test_replaced_passages_leave_nothing_on_the_disk(folder: Path) -> None:
    gone, kept = some_vectors(40, 1), some_vectors(40, 2)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", gone)
        await vectors.put("avatar", MODEL, "item", kept)
        await vectors.keep_only("avatar", "item", list(kept))
        assert traces(folder, gone) == set()
        await vectors.remove_model("avatar", MODEL)
        assert traces(folder, kept) == set()


def crash(shards: ChromaShards) -> None:
    raise OSError


async def test_a_process_that_dies_is_started_again(folder: Path) -> None:
    some = some_vectors(3, 1)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        with pytest.raises(Unavailable):
            await vectors._chroma(die)
        await vectors.put("avatar", MODEL, "item", some)
        assert await vectors.missing("avatar", MODEL, list(some)) == []


async def test_a_process_that_dies_is_started_once_for_all_who_ask(folder: Path) -> None:
    async with open_vectors(folder, None, FakeClock()) as vectors:
        with suppress(Unavailable):
            await asyncio.gather(*(vectors._chroma(die) for _ in range(3)))
        while True:
            with suppress(Unavailable):
                pids = await asyncio.gather(*(vectors._chroma(pid) for _ in range(5)))
                break
        assert len(set(pids)) == 1
        with pytest.raises(Unavailable):
            await vectors._chroma(die)


def pid(shards: ChromaShards) -> int:
    return os.getpid()


def die(shards: ChromaShards) -> None:
    os._exit(1)


async def test_what_a_crash_left_of_a_removal_is_removed_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = some_vectors(40, 1)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", gone)
        with monkeypatch.context() as patch:
            patch.setattr(ChromaShards, "wipe", crash)
            with pytest.raises(Unavailable):
                await vectors.keep_only("avatar", "item", [])
    assert traces(folder, gone) == {"chroma.sqlite3"}
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.keep_only("avatar", "item", [])
    assert traces(folder, gone) == set()


async def test_memory_is_bounded_and_forgotten_matrices_come_back(folder: Path) -> None:
    vectors: ChromaVectors
    async with open_vectors(folder, None, FakeClock(), cache_bytes=30_000) as vectors:
        for number in range(6):
            await vectors.put(f"avatar {number}", MODEL, "item", some_vectors(50, number))
            assert vectors.cached_bytes <= 30_000
        for number in range(6):
            assert len(await found(vectors, f"avatar {number}", toward=[1.0] * DIMENSION)) == 10
            assert 0 < vectors.cached_bytes <= 30_000


async def test_another_process_on_the_server_is_noticed(chroma_server: str, folder: Path) -> None:
    avatar, clock = str(uuid4()), FakeClock()
    async with open_vectors(folder, chroma_server, clock) as one, open_vectors(folder, chroma_server, clock) as other:
        await one.put(avatar, MODEL, "item", {"a": NORTH})
        assert await found(other, avatar) == ["a"]
        await one.put(avatar, MODEL, "item", {"b": EAST})
        clock.advance(CHECK_SECONDS)
        assert await found(other, avatar) == ["a", "b"]
        await other.keep_only(avatar, "item", ["b"])
        clock.advance(CHECK_SECONDS)
        assert await found(one, avatar) == ["b"]
        await one.remove_avatar(avatar)
        clock.advance(CHECK_SECONDS)
        assert await found(other, avatar) == []
    assert files(folder) == []


async def test_processes_that_add_at_once_miss_nothing_of_each_other(chroma_server: str, folder: Path) -> None:
    avatar, clock, toward = str(uuid4()), FakeClock(), [1.0] * DIMENSION
    async with open_vectors(folder, chroma_server, clock) as one, open_vectors(folder, chroma_server, clock) as other:
        await one.put(avatar, WIDE_MODEL, "item", some_vectors(1, 0))
        for number in range(1, 20):
            for each in (one, other):
                clock.advance(CHECK_SECONDS)
                assert len(await each.nearest(avatar, WIDE_MODEL, toward, 100)) == 2 * number - 1
            await asyncio.gather(
                one.put(avatar, WIDE_MODEL, "first", some_vectors(1, number)),
                other.put(avatar, WIDE_MODEL, "second", some_vectors(1, 100 + number)),
            )


async def test_a_server_that_is_away_is_unavailable(folder: Path) -> None:
    async with open_vectors(folder, f"http://127.0.0.1:{free_port()}", FakeClock()) as vectors:
        with pytest.raises(Unavailable):
            await vectors.nearest("avatar", MODEL, NORTH, 5)


async def test_a_search_of_many_rows_gives_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = some_vectors(300, 1)
    async with open_vectors(folder, None, FakeClock()) as vectors:
        await vectors.put("avatar", MODEL, "item", stored)
        toward = next(iter(stored.values()))
        inline = await vectors.nearest("avatar", MODEL, toward, 7)
        monkeypatch.setattr(chroma_vectors, "FEW", 10)
        assert await vectors.nearest("avatar", MODEL, toward, 7) == inline
