"""How soon a new process answers /health, and how much memory it holds by then."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.report import Row, at_most
from bench.rig.processes import SERVER_CORE, Program, answered, started
from bench.rig.servers import avatarium, install_litellm, litellm, raw_relays
from bench.scale import Scale

UPSTREAM = "http://127.0.0.1:9"
EVERY_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Moment:
    seconds: float
    mib: float


async def measure(scale: Scale) -> list[Row]:
    first, opened = await moments(
        lambda folder: avatarium(UPSTREAM, folder, demo=True), [b'"status"', b'"ok"'], scale.starts
    )
    [floor] = await moments(lambda _: raw_relays(UPSTREAM), [b'"ok"'], scale.starts)
    peer = await peer_moment(scale.peer_starts)
    peer_seconds, peer_mib = (peer.seconds, peer.mib) if peer else (None, None)
    return [
        Row("first answer of /health", first.seconds, "s", floor.seconds, peer_seconds, at_most(1.5)),
        Row("memory at the first answer", first.mib, "MiB", floor.mib, peer_mib, at_most(80)),
        Row("everything open", opened.seconds, "s", floor.seconds, peer_seconds),
        Row("memory with everything open", opened.mib, "MiB", floor.mib, peer_mib),
    ]


async def peer_moment(starts: int) -> Moment | None:
    if not starts:
        return None
    await install_litellm()
    [moment] = await moments(lambda folder: litellm(UPSTREAM, folder), [b"alive"], starts)
    return moment


async def moments(make: Callable[[Path], Program], answers: Sequence[bytes], starts: int) -> list[Moment]:
    """When /health gave each of the answers, in their order: the medians of some starts."""
    seen = [await moments_of_one(make, answers) for _ in range(starts + 1)][1:]
    return [
        Moment(median(each.seconds for each in moment), median(each.mib for each in moment))
        for moment in zip(*seen, strict=True)
    ]


async def moments_of_one(make: Callable[[Path], Program], answers: Sequence[bytes]) -> list[Moment]:
    seen: list[Moment] = []
    with tempfile.TemporaryDirectory() as folder:
        program = make(Path(folder))
        async with started(program, SERVER_CORE) as running:
            for answer in answers:
                await answered(running.url, program.health, answer, EVERY_SECONDS)
                seen.append(Moment(time.perf_counter() - running.began, running.memory() / 2**20))
    return seen
