"""The server's secret: a file in the data directory, and the keys that are derived from a secret."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.settings.settings import PREFIX, Settings, SettingsError
from adapters.settings.values import SECRET_MIN

FILE_NAME = "secret.key"
FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
SECRET_BYTES = 48


def secrets_of(settings: Settings) -> Sequence[str]:
    """Those that are set, else the one in the data directory."""
    return settings.secrets or (read_or_create(settings.data_dir),)


def read_or_create(data_dir: Path) -> str:
    """The secret in `data_dir`, made at the first start. Several processes may start at once.

    Raises `SettingsError` when the file can be neither read nor made, or is damaged.
    """
    path = data_dir / FILE_NAME
    try:
        data_dir.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        if not path.exists():
            create(path)
        return checked(path, path.read_bytes())
    except OSError as error:
        raise SettingsError(
            f"{path}: {error.strerror}; make it readable and writable for this user, or set {PREFIX}SECRET_KEY"
        ) from None


def create(path: Path) -> None:
    """Links a complete file into place: nobody sees half a secret, and the first of two processes wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        write_durably(draft, secrets.token_urlsafe(SECRET_BYTES))
        os.link(draft, path)
        sync_directory(path.parent)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def write_durably(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def checked(path: Path, content: bytes) -> str:
    secret = content.decode("ascii", errors="replace").strip()
    if len(secret) < SECRET_MIN or not secret.isascii():
        raise SettingsError(
            f"{path}: damaged, it needs at least {SECRET_MIN} plain characters; restore it from a backup. "
            "If you remove it, a new one is made, and stored provider keys must be entered again"
        )
    return secret


def derive(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose; what leaks of one purpose's key tells nothing about another's."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"avatarium {purpose}".encode()).derive(secret.encode())
