"""Passwords of avatars: salted scrypt, as `scrypt$salt$hash` in hexadecimal."""

import hashlib
import hmac
import secrets

COST, BLOCK, PARALLEL = 2**14, 8, 1


def hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${derive(password, salt).hex()}"


def matches(password: str, stored: str) -> bool:
    _, salt, expected = stored.split("$")
    return hmac.compare_digest(derive(password, bytes.fromhex(salt)).hex(), expected)


def mark(stored: str) -> str:
    """Tells one stored password from another, also from the same one set again, and helps nobody to guess it."""
    return hashlib.sha256(stored.encode()).hexdigest()


def derive(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=PARALLEL)
