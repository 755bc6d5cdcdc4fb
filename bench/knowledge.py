"""What knowledge costs: the whole of recalling, indexing, and what a file that is indexed does to those who chat."""

import os
import tempfile
from pathlib import Path

from bench import blocking, indexing
from bench.processes import LOAD_CORE, SERVER_CORE
from bench.recalling import recalled
from bench.report import Row
from bench.scale import Scale


async def measure(scale: Scale) -> list[Row]:
    os.sched_setaffinity(0, {LOAD_CORE, SERVER_CORE})
    with tempfile.TemporaryDirectory() as directory:
        rows = await recalled(f"sqlite:///{directory}/bench.db", Path(directory), "recall", scale)
    rows += await indexing.measure(scale)
    os.sched_setaffinity(0, {LOAD_CORE})
    return [*rows, *await blocking.measure(scale)]
