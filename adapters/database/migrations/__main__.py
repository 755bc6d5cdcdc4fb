"""Writes the next migration: what `tables.py` has and the migrations up to now do not make."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from adapters.database.migrations import alone, config, migrate


def write_revision(message: str) -> None:
    with TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'schema.db'}"
        migrate(url)
        alone(url, lambda connection: write_difference(connection, message))


def write_difference(connection: Connection, message: str) -> None:
    settings = config(connection)
    number = len(list(ScriptDirectory.from_config(settings).walk_revisions())) + 1
    command.revision(settings, message, autogenerate=True, rev_id=f"{number:04}")


if __name__ == "__main__":
    write_revision(" ".join(sys.argv[1:]))
