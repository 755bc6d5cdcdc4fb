"""A served house for clients that others wrote, and the Node.js that runs them."""

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

NODE_PARTS = Path(__file__).parents[1] / "node"


@asynccontextmanager
async def node(*arguments: str, **environment: str) -> AsyncIterator[Process]:
    """Runs a script with the npm packages of `tests/node` in reach; kills it at the end."""
    command = shutil.which("node", path=str(Path(sys.executable).parent))
    assert command, "Node.js comes with the development dependencies: run make test"
    process = await asyncio.create_subprocess_exec(
        command, *arguments, cwd=NODE_PARTS, env={"PATH": "/usr/bin:/bin", **environment}, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
