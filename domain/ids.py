"""Ids that grow with time, so that a database adds them at the end of its indexes."""

import secrets
import uuid
from datetime import datetime

RANDOM_A, RANDOM_B = 12, 62


def growing_id(at: datetime) -> str:
    """A UUID of version 7 (RFC 9562, 5.7): milliseconds since 1970 in 48 bits, then 74 random bits.

    Whoever knows when it was made has 2^74 left to guess, which is why it may be a secret as well.
    """
    milliseconds = int(at.timestamp() * 1000) & (1 << 48) - 1
    random = secrets.randbits(RANDOM_A + RANDOM_B)
    high, low = random >> RANDOM_B, random & (1 << RANDOM_B) - 1
    return str(uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))
