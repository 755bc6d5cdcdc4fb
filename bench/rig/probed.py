"""How late an event loop is: a probe that sleeps for a millisecond, again and again, and notes how much later it wakes.

`python -m bench.rig.probed FILE` probes an empty process, `python -m bench.rig.probed FILE serve` our server. FILE
gets three numbers of eight bytes each time, in seconds: the clock's reading, the delay, and what the hypervisor took
from the cores meanwhile.
"""

import asyncio
import os
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import uvloop

import app

P = ParamSpec("P")
R = TypeVar("R")
PAUSE = 0.001
NUMBERS = 3
SAVED_AT_ONCE = 500
STEAL = 8
"""The place in the first line of /proc/stat of the ticks in which the guest could run, and its host did not let it."""
TICK = 1 / os.sysconf("SC_CLK_TCK")


async def probe(file: Path) -> None:
    noted = array("d")
    stat = os.open("/proc/stat", os.O_RDONLY)
    with file.open("wb", buffering=0) as target:
        while True:
            began, before = time.perf_counter(), taken(stat)
            await asyncio.sleep(PAUSE)
            now = time.perf_counter()
            noted.extend((now, now - began - PAUSE, taken(stat) - before))
            if len(noted) >= NUMBERS * SAVED_AT_ONCE:
                target.write(noted.tobytes())
                del noted[:]


def taken(stat: int) -> float:
    """From all cores together, in seconds, counted in ticks of 10 ms."""
    return int(os.pread(stat, 200, 0).split(maxsplit=STEAL + 1)[STEAL]) * TICK


def probed(build: Callable[P, R], file: Path) -> Callable[P, R]:
    """Begins to probe when the server is built, in its own loop."""
    probing = set[asyncio.Task[None]]()

    def build_probed(*args: P.args, **kwargs: P.kwargs) -> R:
        probing.add(asyncio.create_task(probe(file)))
        return build(*args, **kwargs)

    return build_probed


def serve(file: Path) -> None:
    app.build = probed(app.build, file)
    sys.argv[1:] = ["serve"]
    app.main()


if __name__ == "__main__":
    noting = Path(sys.argv[1])
    if sys.argv[2:]:
        serve(noting)
    else:
        uvloop.run(probe(noting))
