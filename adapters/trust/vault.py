"""Owners' provider keys, sealed with Fernet (AES-128-CBC and HMAC-SHA256)."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from adapters.trust.secret_key import derive
from domain.avatars import SealedKey
from domain.errors import Unavailable
from domain.ports import Vault

PURPOSE = "vault 1"
SHORT = 8


class FernetVault(Vault):
    """The first secret seals, every one opens: that is how a server changes its secret."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(urlsafe_b64encode(derive(secret, PURPOSE))) for secret in secrets])

    def seal(self, secret: str) -> SealedKey:
        return SealedKey(self._fernet.encrypt(secret.encode()).decode(), last4(secret))

    def open(self, key: SealedKey) -> str:
        try:
            return self._fernet.decrypt(key.sealed.encode()).decode()
        except InvalidToken:
            raise Unavailable("The stored AI key cannot be read on this server. Enter it again.") from None


def last4(secret: str) -> str:
    """A hint by which an owner recognises a key; empty for a short one, of which it would tell half or more."""
    return secret[-4:] if len(secret) > SHORT else ""
