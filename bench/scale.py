"""How much is measured: all of it, or little enough to see that the benchmark works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """`peer`: whether LiteLLM's proxy runs too, which gets fewer questions: it takes its time.

    `paced_visitors` are few, so that no core is full: a server that lags behind gets several tokens in one read.
    """

    peer: bool = True
    rounds: int = 2
    visitors: int = 50
    replies: int = 600
    paced_visitors: int = 10
    paced_replies: int = 300
    peer_replies: int = 100
    first_tokens: int = 300
    long_reply_tokens: int = 1000
    long_replies: int = 40
    turns: int = 6000
    avatars: int = 1000
    passages_of_one: int = 10_000
    passages_indexed: int = 64
    recalls: int = 500
    recalls_cold: int = 40
    file_bytes: int = 10_000_000
    blocked_seconds: float = 45
    blocked_visitors: int = 4
    connections: int = 5000
    starts: int = 5
    peer_starts: int = 2
    soak_visitors: int = 200
    soak_seconds: float = 60


FULL = Scale()
QUICK = Scale(
    peer=False, rounds=1, visitors=2, replies=4, paced_visitors=2, paced_replies=4, first_tokens=3,
    long_reply_tokens=20, long_replies=2, turns=40, avatars=3,
    passages_of_one=100, passages_indexed=4, recalls=8, recalls_cold=2, file_bytes=20_000,
    blocked_seconds=2, blocked_visitors=2, connections=10, starts=1, peer_starts=0,
    soak_visitors=5, soak_seconds=1,
)  # fmt: skip
