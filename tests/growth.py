"""Whether work grows in proportion to its input, told without a clock on the wall: both sizes in one run."""

import time
from collections.abc import Callable

SIZE, FACTOR = 2_000, 4
LINEAR_MOST = 10.0
"""Linear work takes 4 times as long for 4 times the input, quadratic work 16 times."""
ATTEMPTS = 6


def grows_linearly(work: Callable[[int], object]) -> bool:
    """`work` is given a size. What disturbs a measurement makes it longer, so the least of several counts."""
    small = large = float("inf")
    for _ in range(ATTEMPTS):
        small, large = min(small, seconds(work, SIZE)), min(large, seconds(work, SIZE * FACTOR))
        if large <= small * LINEAR_MOST:
            return True
    return False


def seconds(work: Callable[[int], object], size: int) -> float:
    began = time.process_time()
    work(size)
    return time.process_time() - began
