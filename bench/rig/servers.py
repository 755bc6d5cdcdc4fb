"""What is measured and what it is measured beside: our server, raw relays and LiteLLM's proxy."""

import asyncio
import json
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from bench.report import ROOT
from bench.rig.processes import LOAD_CORE, SERVER_CORE, Program, Running, free_port, python, serving
from bench.rig.upstream import AT_ONCE, PACED, SHORT
from bench.rig.wire import Http

PROGRAM = ROOT / ".venv" / "bin" / "avatarium"
LITELLM = ("litellm[proxy]==1.106.2", "httptools>=0.7")
LITELLM_FOLDER = ROOT / ".tools" / "litellm"
LITELLM_KEY = "sk-bench"


@dataclass(slots=True)
class House:
    """Our server. Every session comes from a visitor's address of its own, since addresses are limited."""

    running: Running
    token: str
    upstream: str
    avatars: dict[str, str] = field(default_factory=dict)
    addresses: Iterator[int] = field(default_factory=count)

    async def avatar(self, model: str) -> str:
        """The short id of the avatar whose brain is that model of the upstream."""
        if model not in self.avatars:
            settings = {
                "slug": model, "name": "Ava", "avatarModelUrl": "https://models.example.com/a.glb",
                "aiProvider": "custom", "aiModel": model, "aiBaseUrl": self.upstream, "aiApiKey": "own-key",
            }  # fmt: skip
            created = await self.post("/v1/consumer-avatars", settings, f"Authorization: Bearer {self.token}\r\n")
            self.avatars[model] = str(created["shortId"])
        return self.avatars[model]

    async def session(self, model: str) -> str:
        started = await self.post(f"/v1/public/avatar/{await self.avatar(model)}/session", {})
        return str(started["sessionId"])

    async def post(self, path: str, body: Mapping[str, object], headers: str = "") -> dict[str, object]:
        number = next(self.addresses)
        visitor = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        connection = await Http.open(self.running.url)
        try:
            sent = json.dumps(body).encode()
            answer = await connection.post(path, sent, f"X-Forwarded-For: {visitor}\r\n{headers}")
        finally:
            connection.close()
        data: dict[str, object] = json.loads(answer)["data"]
        return data


@dataclass(frozen=True, slots=True)
class Stand:
    """Everything that runs side by side. `peer` is None in a quick run."""

    upstream: Running
    house: House
    floors: Running
    peer: Running | None


@asynccontextmanager
async def stand(*, peer: bool) -> AsyncIterator[Stand]:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(upstream_server())
        house = await stack.enter_async_context(our_server(upstream.url))
        floors = await stack.enter_async_context(serving(raw_relays(upstream.url), SERVER_CORE))
        proxy = await stack.enter_async_context(litellm_proxy(upstream.url)) if peer else None
        yield Stand(upstream, house, floors, proxy)


def upstream_server() -> AbstractAsyncContextManager[Running]:
    port = free_port()
    return serving(Program(python("bench.rig.upstream", "--port", str(port)), port, health="/", ready=b"ok"), LOAD_CORE)


@asynccontextmanager
async def our_server(upstream: str) -> AsyncIterator[House]:
    """On a new SQLite database."""
    with tempfile.TemporaryDirectory() as data:
        program = avatarium(upstream, Path(data))
        async with serving(program, SERVER_CORE) as running:
            yield House(running, await token(program.environment), f"{upstream}/v1")


def avatarium(upstream: str, data: Path, *, demo: bool = False) -> Program:
    """The program as its users start it, but for `demo`: reading the demo avatar's manual would be measured too."""
    port = free_port()
    settings = {
        "AVATARIUM_PORT": str(port),
        "AVATARIUM_DATA_DIR": str(data),
        "AVATARIUM_EMBEDDINGS": "none",
        "AVATARIUM_DEMO": str(demo).lower(),
        "AVATARIUM_TRUSTED_PROXIES": "127.0.0.1",
        "AVATARIUM_ALLOW_PRIVATE_HOSTS": urlsplit(upstream).netloc,
    }
    return Program([PROGRAM, "serve"], port, settings)


async def token(environment: Mapping[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "token", "--email", "owner@example.com", env=environment, stdout=PIPE
    )
    printed, _ = await process.communicate()
    return printed.decode().strip()


def raw_relays(upstream: str) -> Program:
    port = free_port()
    return Program(python("bench.rig.floors", "--port", str(port), "--upstream", f"{upstream}/v1"), port)


@asynccontextmanager
async def litellm_proxy(upstream: str) -> AsyncIterator[Running]:
    """LiteLLM's proxy without a database."""
    await install_litellm()
    with tempfile.TemporaryDirectory() as folder:
        async with serving(litellm(upstream, Path(folder)), SERVER_CORE) as running:
            yield running


def litellm(upstream: str, folder: Path) -> Program:
    """The installed proxy; its configuration is written into `folder`."""
    config, port = folder / "config.yaml", free_port()
    config.write_text(litellm_config(f"{upstream}/v1"))
    return Program(
        [LITELLM_FOLDER / "bin" / "litellm", "--config", config, "--host", "127.0.0.1", "--port", str(port)],
        port,
        {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"},
        health="/health/liveliness",
        ready=b"alive",
    )


def litellm_config(api_base: str) -> str:
    """JSON, which YAML takes."""
    models = [
        {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_base": api_base, "api_key": "own-key"}}
        for name in (AT_ONCE, PACED, SHORT)
    ]
    return json.dumps({"model_list": models, "general_settings": {"master_key": LITELLM_KEY}})


async def install_litellm() -> None:
    """Into a folder of its own. Raises `RuntimeError` when it cannot be installed."""
    program = LITELLM_FOLDER / "bin" / "litellm"
    if program.exists():
        return
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    for arguments in (
        ["venv", "--clear", "--python", sys.executable, str(LITELLM_FOLDER)],
        ["pip", "install", "--python", str(LITELLM_FOLDER / "bin" / "python"), *LITELLM],
    ):
        process = await asyncio.create_subprocess_exec(uv, "--quiet", *arguments)
        if await process.wait():
            raise RuntimeError(f"{LITELLM[0]} could not be installed into {LITELLM_FOLDER}")
