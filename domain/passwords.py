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


def derive(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=PARALLEL)
