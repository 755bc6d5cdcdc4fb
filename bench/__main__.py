"""`python -m bench` measures everything and writes docs/performance.md; `python -m bench PART ...` some of it."""

import argparse
import os
import platform
import resource
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import psutil
import uvloop

from bench.parts import connections, database, events, first_token, knowledge, soak, start, streaming, vectors
from bench.quality import retrieval
from bench.report import Row, Table, publish, save
from bench.rig.processes import LOAD_CORE
from bench.scale import FULL, QUICK, Scale

Measure = Callable[[Scale], Coroutine[Any, Any, list[Row]]]
PARTS: Mapping[str, Measure] = {
    "streaming": streaming.measure,
    "first_token": first_token.measure,
    "events": events.measure,
    "database": database.measure,
    "retrieval": retrieval.measure,
    "vectors": vectors.measure,
    "knowledge": knowledge.measure,
    "connections": connections.measure,
    "start": start.measure,
    "soak": soak.measure,
}
NAMED = ("strawberry-graphql", "uvicorn", "uvloop", "aiohttp")


def run(name: str, scale: Scale) -> None:
    """In a loop of its own: threads that outlived another part would be held to that part's core."""
    rows = uvloop.run(PARTS[name](scale))
    table = Table(name, datetime.now(UTC).date().isoformat(), machine(), rows)
    print(table.markdown(), flush=True)
    if scale is FULL:
        save(table)
        publish(table)


def machine() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in NAMED)
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures Avatarium beside floors and a peer")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"all, or some of: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="a few replies, no peer, nothing written: does it work?")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; take some of {', '.join(PARTS)}")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.sched_setaffinity(0, {LOAD_CORE})
    for name in given.parts or PARTS:
        run(name, QUICK if given.quick else FULL)


if __name__ == "__main__":
    main()
