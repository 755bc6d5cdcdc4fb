"""Which model makes the vectors, how MiniLM is fetched, and what providers may do wrong."""

import asyncio
import io
import logging
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.embedding import litellm_embedder, minilm_download
from adapters.embedding.embedders import ModelEmbedders
from adapters.embedding.litellm_embedder import LitellmEmbedder
from adapters.embedding.minilm import MODEL_FILE, TOKENIZER_FILE
from adapters.embedding.minilm_download import Archive
from domain.avatars import AiProvider
from domain.errors import Unavailable
from tests.parts.ports import free_port

SMALL = "openai/text-embedding-3-small"
WORDS = "hidden words of an owner"


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm_embedder, "TIMEOUT", 3600.0)


@asynccontextmanager
async def serving(answer: Any) -> AsyncIterator[str]:
    """A server on which every request is given to `answer`."""
    app = web.Application(client_max_size=10 * 1024**2)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def packed(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


async def until_there(embedders: ModelEmbedders) -> None:
    while embedders.current() is None:  # noqa: ASYNC110 -- nobody tells
        await asyncio.sleep(0.01)


async def test_minilm_is_fetched_in_the_background_and_then_used(minilm_folder: Path, tmp_path: Path) -> None:
    content = packed({f"onnx/{name}": (minilm_folder / name).read_bytes() for name in (MODEL_FILE, TOKENIZER_FILE)})
    open_gate = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        await open_gate.wait()
        return web.Response(body=content)

    async with serving(answer) as url:
        archive = Archive(url, sha256(content).hexdigest())
        async with ModelEmbedders("minilm", tmp_path / "models", {}, {}, archive) as embedders:
            assert embedders.current() is None
            open_gate.set()
            await until_there(embedders)
            embedder = embedders.current()
            assert embedder is not None
            assert embedder.model == "minilm"
            assert len((await embedder.embed(["Hello"]))[0]) == 384
    async with ModelEmbedders("none", tmp_path / "models", {}, {}) as embedders:
        assert embedders.current() is None
        assert embedders.named("minilm") is not None


async def test_a_failed_fetch_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm_download, "FIRST_RETRY", 0)
    right = packed({"onnx/model.onnx": b"model", "onnx/tokenizer.json": b"tokenizer"})
    bodies = [b"", b"something else", packed({"onnx/model.onnx": b"model"}), right]

    async def answer(request: web.Request) -> web.Response:
        body = bodies.pop(0)
        return web.Response(body=body, status=200 if body else 503)

    async with serving(answer) as url:
        archive = Archive(url, sha256(right).hexdigest())
        async with ModelEmbedders("minilm", tmp_path / "models", {}, {}, archive) as embedders:
            await until_there(embedders)
    assert bodies == []
    folder = tmp_path / "models"
    assert contents(folder) == {"all-MiniLM-L6-v2/model.onnx", "all-MiniLM-L6-v2/tokenizer.json"}


async def test_a_fetch_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    asked, over = asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        asked.set()
        await over.wait()
        return web.Response()

    async with serving(answer) as url:
        async with ModelEmbedders("minilm", tmp_path / "models", {}, {}, Archive(url, "")) as embedders:
            await asked.wait()
            assert embedders.current() is None
        assert contents(tmp_path) == set()
        over.set()


async def test_a_provider_needs_a_key_or_an_address(tmp_path: Path) -> None:
    openai = AiProvider.OPENAI
    assert ModelEmbedders(SMALL, tmp_path, {}, {}).current() is None
    assert ModelEmbedders(SMALL, tmp_path, {AiProvider.GOOGLE: "key"}, {}).current() is None
    for keys, bases in (({openai: "key"}, {}), ({}, {openai: "http://127.0.0.1:1"})):
        embedders = ModelEmbedders(SMALL, tmp_path, keys, bases)
        embedder = embedders.current()
        assert embedder is not None
        assert embedder.model == SMALL
    assert embedders.named("cohere/embed-v4") is None
    assert embedders.named("openai/text-embedding-ada-002") is not None


async def test_gemini_is_asked_at_its_own_address_with_its_own_key() -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        texts = (await request.json())["requests"]
        return web.json_response({"embeddings": [{"values": [3.0 * place, 4.0]} for place in range(len(texts))]})

    async with serving(answer) as url:
        vectors = await LitellmEmbedder("gemini/gemini-embedding-001", "secret", url).embed(["one", "two"])
    assert [list(vector) for vector in vectors] == [[0, 1], pytest.approx([0.6, 0.8])]
    assert seen[0].path == "/models/gemini-embedding-001:batchEmbedContents"
    assert seen[0].headers["x-goog-api-key"] == "secret"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": {"message": WORDS}}),
        (500, {"error": {"message": WORDS}}),
        (200, {"data": [], "model": "m", "object": "list", "usage": {"prompt_tokens": 1, "total_tokens": 1}}),
    ],
)
async def test_a_provider_that_fails_is_unavailable_and_asked_once(
    status: int, body: object, caplog: pytest.LogCaptureFixture
) -> None:
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response(body, status=status)

    with caplog.at_level(logging.DEBUG, "avatarium"):
        async with serving(answer) as url:
            with pytest.raises(Unavailable) as caught:
                await LitellmEmbedder(SMALL, "sk-secret", url).embed([WORDS])
    assert asked == 1
    assert WORDS not in f"{caught.value}{caplog.text}"


def contents(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
