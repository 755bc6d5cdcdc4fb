"""which server speaks a reply, and when it last said that it lives"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "servers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column(
            "alive_at", sa.String().with_variant(sa.TIMESTAMP(timezone=True), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="pk_servers"),
    )
    op.add_column("messages", sa.Column("server", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "server")
    op.drop_table("servers")
