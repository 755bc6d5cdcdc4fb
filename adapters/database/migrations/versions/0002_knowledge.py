"""knowledge: items, bodies, passages with their search index, embedding models, jobs"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.String().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "knowledge",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("avatar_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("file_name", sa.String(), nullable=True),
        sa.Column("media_type", sa.String(), nullable=True),
        sa.Column("question", sa.String(), nullable=True),
        sa.Column("crawl", sa.JSON(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("passage_count", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["avatar_id"], ["avatars.id"], name="fk_knowledge_avatar_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_knowledge"),
    )
    op.create_index("ix_knowledge_avatar_id_created_at_id", "knowledge", ["avatar_id", "created_at", "id"])
    op.create_table(
        "knowledge_bodies",
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["knowledge.id"], name="fk_knowledge_bodies_item_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item_id", name="pk_knowledge_bodies"),
    )
    op.create_table(
        "passages",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("avatar_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("heading", sa.String(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["knowledge.id"], name="fk_passages_item_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_passages"),
        sa.UniqueConstraint("id", name="uq_passages_id"),
        sa.UniqueConstraint("item_id", "generation", "position", name="uq_passages_item_id_generation_position"),
    )
    op.create_index("ix_passages_avatar_id", "passages", ["avatar_id"])
    for statement in WORDS[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_table(
        "embeddings",
        sa.Column("avatar_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["avatar_id"], ["avatars.id"], name="fk_embeddings_avatar_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("avatar_id", name="pk_embeddings"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("avatar_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("run_after", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_run_after", "jobs", ["run_after"])
    op.create_index("ix_jobs_avatar_id", "jobs", ["avatar_id"])


# The index reads its words from the passages, so that they are stored once. It must be told the words of a
# passage that goes, and triggers do so when a cascade deletes it too.
WORDS = {
    "sqlite": (
        """CREATE VIRTUAL TABLE passage_words USING fts5(
               words, content='passages', content_rowid='number', detail='none', columnsize=0, tokenize='ascii')""",
        """CREATE TRIGGER passage_added AFTER INSERT ON passages BEGIN
               INSERT INTO passage_words (rowid, words) VALUES (new.number, new.words);
           END""",
        """CREATE TRIGGER passage_deleted AFTER DELETE ON passages BEGIN
               INSERT INTO passage_words (passage_words, rowid, words) VALUES ('delete', old.number, old.words);
           END""",
    ),
    "postgresql": (
        "CREATE INDEX passage_words ON passages USING gin (to_tsvector('simple', words)) WITH (fastupdate = off)",
    ),
}


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE passage_words")
    for table in ("jobs", "embeddings", "passages", "knowledge_bodies", "knowledge"):
        op.drop_table(table)
