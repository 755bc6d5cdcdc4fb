"""What a provider's stream is made of, and the patience we have with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Words as they arrived in one read."""

    text: str


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The provider's own count, where it sends one."""

    input_tokens: int
    output_tokens: int


Delta = TextDelta | TokenCount


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a provider: for its first words, between two reads, and for all of one reply."""

    first_token: float = 15.0
    between_tokens: float = 10.0
    total: float = 120.0
