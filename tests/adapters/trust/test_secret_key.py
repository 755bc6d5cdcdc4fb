"""The key file: made once, whole, and for its owner's eyes only."""

import os
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

import pytest

from adapters.settings.settings import SettingsError
from adapters.trust.secret_key import FILE_NAME, create, derive, read_or_create


def test_the_first_start_makes_it(tmp_path: Path) -> None:
    secret = read_or_create(tmp_path / "new" / "data")
    assert len(secret) >= 32
    assert read_or_create(tmp_path / "new" / "data") == secret


def test_two_servers_have_two_secrets(tmp_path: Path) -> None:
    assert read_or_create(tmp_path / "a") != read_or_create(tmp_path / "b")


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_only_its_owner_may_read_it(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        read_or_create(tmp_path / "data")
    finally:
        os.umask(before)
    assert (tmp_path / "data" / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_no_draft_stays_behind(tmp_path: Path) -> None:
    read_or_create(tmp_path)
    create(tmp_path / FILE_NAME)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_threads_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    together = Barrier(8)

    def start(_: int) -> str:
        together.wait()
        return read_or_create(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(start, range(8)))) == 1


def test_processes_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    with get_context("spawn").Pool(3) as pool:
        secrets = pool.map(read_or_create, [tmp_path] * 6, chunksize=1)
        pool.close()
        pool.join()
    assert len(set(secrets)) == 1


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64, b" " * 64])
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(SettingsError, match="damaged"):
        read_or_create(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_directory_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SettingsError, match="AVATARIUM_SECRET_KEY"):
        read_or_create(tmp_path / "data")


def test_the_keys_of_two_purposes_differ() -> None:
    keys = {derive("a" * 40, "one"), derive("a" * 40, "two"), derive("b" * 40, "one")}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}


def test_what_was_sealed_once_opens_with_every_later_version() -> None:
    """A changed derivation would make every stored provider key unreadable."""
    assert derive("a" * 40, "vault 1").hex() == "cd979e830ef0b796b07bd7835ec1980b6fe66929dab9e960a9f00d26a4e6d105"
