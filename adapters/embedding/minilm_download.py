"""Fetches MiniLM's weights once, from where Chroma publishes them."""

import asyncio
import hashlib
import logging
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from adapters.embedding.minilm import MODEL_FILE, TOKENIZER_FILE, has_weights

log = logging.getLogger("avatarium.embeddings")

CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 60.0
CHUNK_BYTES = 1024**2
FIRST_RETRY, LAST_RETRY = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Archive:
    """A tar.gz file with the two files in its folder `onnx`."""

    url: str
    sha256: str


MINILM = Archive(
    "https://chroma-onnx-models.s3.amazonaws.com/all-MiniLM-L6-v2/onnx.tar.gz",
    "913d7300ceae3b2dbc2c50d1de4baacab4be7b9380491c27fab7418616a16ec3",
)


class WrongContent(Exception):
    """Something else is at the address than what we expect."""


async def keep_fetching(folder: Path, archive: Archive = MINILM) -> None:
    """Tries again, ever less often, until the weights are in the folder."""
    wait = FIRST_RETRY
    while not has_weights(folder):
        try:
            await fetch(folder, archive)
        except (aiohttp.ClientError, TimeoutError, OSError, WrongContent, tarfile.TarError) as error:
            log.warning("MiniLM could not be fetched (%s); search uses words only until it is", type(error).__name__)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LAST_RETRY)
        else:
            log.info("MiniLM is fetched; search by meaning begins")


async def fetch(folder: Path, archive: Archive = MINILM) -> None:
    """Raises `WrongContent`, and what aiohttp and the file system raise. The folder is complete or not there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=folder.parent) as unfinished:
        file = Path(unfinished) / "archive"
        if await download(archive.url, file) != archive.sha256:
            raise WrongContent
        await asyncio.to_thread(unpack, file, Path(unfinished) / "weights", folder)


async def download(url: str, file: Path) -> str:
    """The SHA-256 of what was downloaded."""
    digest = hashlib.sha256()
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=READ_TIMEOUT)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=True, raise_for_status=True) as client,
        client.get(url) as response,
    ):
        with file.open("wb") as target:
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                digest.update(chunk)
                target.write(chunk)
    return digest.hexdigest()


def unpack(archive: Path, unfinished: Path, folder: Path) -> None:
    unfinished.mkdir()
    with tarfile.open(archive, "r:gz") as members:
        for name in (MODEL_FILE, TOKENIZER_FILE):
            try:
                member = members.extractfile(f"onnx/{name}")
            except KeyError:
                member = None
            if member is None:
                raise WrongContent
            with (unfinished / name).open("wb") as target:
                shutil.copyfileobj(member, target)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
