"""Who somebody is, and where owners' secrets are kept, as the settings say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.settings.settings import Settings
from adapters.trust.secret_key import secrets_of
from adapters.trust.sign_in import open_sign_in
from adapters.trust.vault import FernetVault
from domain.ports import Clock, SignIn, Vault


@dataclass(frozen=True, slots=True)
class Trust:
    sign_in: SignIn
    vault: Vault


@asynccontextmanager
async def open_trust(settings: Settings, clock: Clock) -> AsyncIterator[Trust]:
    """Raises `SettingsError` when there is no secret key, and none can be made."""
    secrets = secrets_of(settings)
    async with open_sign_in(settings, secrets[0], clock) as sign_in:
        yield Trust(sign_in, FernetVault(secrets))
