"""Accounts, the people who own avatars, and the keys their programs use."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

KEY_NAME_MAX = 100
KEYS_MAX = 50


@dataclass(frozen=True, slots=True)
class Identity:
    """What a sign-in provider vouches for. `subject` is unique at that provider."""

    subject: str
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    subject: str
    email: str | None
    name: str | None
    created_at: datetime


class KeyMode(StrEnum):
    LIVE = "live"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key: its SHA-256 and a hint, never the key itself."""

    id: str
    account_id: str
    name: str
    mode: KeyMode
    hint: str
    digest: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


def is_api_key(token: str) -> bool:
    return token.startswith(("av_live_", "av_test_"))


def new_api_key(mode: KeyMode) -> str:
    """`av_live_` or `av_test_` and 40 hexadecimal digits (160 random bits)."""
    return f"av_{mode}_{secrets.token_hex(20)}"


def key_hint(key: str) -> str:
    """What stays readable of a key: its prefix and its last four characters."""
    return f"{key[:8]}…{key[-4:]}"


def digest(key: str) -> str:
    """SHA-256 in hexadecimal. A fast hash suffices: the key itself is 160 random bits."""
    return hashlib.sha256(key.encode()).hexdigest()
