"""What a reading process may use."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """`memory_bytes` is address space. `cpu_seconds` and `seconds` are for one document, `idle_seconds` for none."""

    memory_bytes: int = 1536 * 1024 * 1024
    cpu_seconds: int = 60
    seconds: float = 180.0
    idle_seconds: float = 60.0


def leave_no_core() -> None:
    """What this process reads stays off the disk when it dies."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def hold_to(memory_bytes: int, cpu_seconds: int) -> None:
    """Limits this process from now on: its memory in all, and the time of the document that it begins with."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + cpu_seconds, most))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
