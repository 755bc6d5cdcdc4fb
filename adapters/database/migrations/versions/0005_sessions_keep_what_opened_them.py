"""sessions keep the mark of the password that opened them"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("opened_with", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("sessions", "opened_with")
