"""A copy of the SQLite database, made while the server runs."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from adapters.settings.settings import PREFIX, Settings, SettingsError
from adapters.trust.secret_key import FILE_MODE, FILE_NAME, sync_directory

PATIENCE = 30.0


def back_up(settings: Settings, target: Path) -> str:
    """Writes the database to a new file `target`; gives what the operator should know.

    The copy is the database at one moment, with everything that was acknowledged before it. Raises
    `SettingsError` when it cannot be made; then there is no `target`.
    """
    source = database_file(settings)
    if target.exists():
        raise SettingsError(f"{target}: it exists already; name a new file")
    if not target.parent.is_dir():
        raise SettingsError(f"{target.parent}: there is no such directory; make it first")
    draft = target.with_name(f".{target.name}.part")
    try:
        copy(source, draft)
        os.link(draft, target)
        sync_directory(target.parent)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"{target}: the backup could not be made: {reason}") from None
    finally:
        draft.unlink(missing_ok=True)
    return f"The database is backed up to {target} ({target.stat().st_size} bytes).\n{key_advice(settings)}"


def database_file(settings: Settings) -> Path:
    url = make_url(settings.database_url.get_secret_value())
    if url.get_backend_name() != "sqlite":
        raise SettingsError(
            f"{PREFIX}DATABASE_URL: this command copies SQLite only; use pg_dump, as docs/backup.md says"
        )
    file = Path(str(url.database))
    if not file.is_file():
        raise SettingsError(f"{file}: there is no database yet; start the server once")
    return file


def copy(source: Path, draft: Path) -> None:
    """In one step, which reads a snapshot and keeps no writer waiting."""
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    with (
        closing(sqlite3.connect(source, timeout=PATIENCE)) as reading,
        closing(sqlite3.connect(draft)) as writing,
    ):
        reading.backup(writing)
        # One file, with nothing beside it that could be forgotten.
        writing.execute("PRAGMA journal_mode = DELETE")
        faults = writing.execute("PRAGMA integrity_check").fetchall()
    if faults != [("ok",)]:
        raise sqlite3.DatabaseError("the copy is damaged, and so may the database be")


def key_advice(settings: Settings) -> str:
    what = f"{PREFIX}SECRET_KEY" if settings.secrets else settings.data_dir / FILE_NAME
    return f"Keep {what} too, in another place: without it the stored provider keys cannot be opened."
