"""How late an event loop is: a probe that sleeps for a millisecond, again and again, and notes how much later it wakes.

`python -m bench.probed FILE` probes an empty process, `python -m bench.probed FILE serve` our server. FILE gets two
numbers of eight bytes each time: the clock's reading and the delay, in seconds.
"""

import asyncio
import sys
import time
from array import array
from pathlib import Path

import uvloop

import app

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


def serve(file: Path) -> None:
    probing, build = set[asyncio.Task[None]](), app.build

    def build_probed(*given: object) -> object:
        probing.add(asyncio.create_task(probe(file)))
        return build(*given)  # type: ignore[arg-type]

    app.build = build_probed  # type: ignore[assignment]
    sys.argv[1:] = ["serve"]
    app.main()


if __name__ == "__main__":
    noting = Path(sys.argv[1])
    if sys.argv[2:]:
        serve(noting)
    else:
        uvloop.run(probe(noting))
