"""How late an event loop is: a probe that sleeps for a millisecond, again and again, and notes how much later it wakes.

`python -m bench.probed FILE` probes an empty process, `python -m bench.probed FILE serve` our server. FILE gets two
numbers of eight bytes each time: the clock's reading and the delay, in seconds.
"""

import asyncio
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
SAVED_AT_ONCE = 500


async def probe(file: Path) -> None:
    noted = array("d")
    with file.open("wb", buffering=0) as target:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(PAUSE)
            now = time.perf_counter()
            noted.extend((now, now - began - PAUSE))
            if len(noted) >= 2 * SAVED_AT_ONCE:
                target.write(noted.tobytes())
                del noted[:]


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
