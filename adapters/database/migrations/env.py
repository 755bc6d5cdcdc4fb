"""Alembic runs this file for every command; the connection comes from `adapters.database.migrations.config`."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import AutoString, SQLModel

from adapters.database.tables import is_compared
from adapters.database.types import Amount, Choice, Citations, Instant, Payload, Words

STORED: dict[type, str] = {
    Amount: "sa.Float()",
    AutoString: "sa.String()",
    Choice: "sa.String()",
    Citations: "sa.JSON()",
    Instant: "sa.String().with_variant(sa.TIMESTAMP(timezone=True), 'postgresql')",
    Payload: "sa.String()",
    Words: "sa.JSON()",
}


def as_stored(_kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Our column types as the database knows them: a migration must outlive the code around it."""
    return STORED.get(type(item), False)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite cannot alter most of a table in place
    render_item=as_stored,
    include_object=is_compared,
)
with context.begin_transaction():
    context.run_migrations()
