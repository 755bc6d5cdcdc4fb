"""Processes that give way to the one that talks with visitors."""

import os
import sys
from contextlib import suppress

NICENESS = 10


def give_way() -> None:
    """For a process that has just begun.

    Linux then interrupts it as soon as the server wants its core. A low priority alone lets it finish its turn first,
    which takes milliseconds.
    """
    if sys.platform != "win32":
        os.nice(NICENESS)
    if sys.platform == "linux":
        with suppress(OSError):  # some sandboxes do not know it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
