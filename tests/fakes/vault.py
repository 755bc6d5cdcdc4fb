"""A vault that hides nothing from a test, and opens only what it sealed itself."""

from domain.avatars import SealedKey
from domain.errors import Unavailable
from domain.ports import Vault


class FakeVault(Vault):
    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}

    def seal(self, secret: str) -> SealedKey:
        sealed = f"sealed-{id(self)}-{len(self._secrets)}"
        self._secrets[sealed] = secret
        return SealedKey(sealed, secret[-4:] if len(secret) > 8 else "")

    def open(self, key: SealedKey) -> str:
        if key.sealed not in self._secrets:
            raise Unavailable("The stored AI key cannot be read on this server. Enter it again.")
        return self._secrets[key.sealed]
