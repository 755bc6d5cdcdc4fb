"""jobs have lanes: lane, group, part and payload"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

HELD = sa.text("worker IS NOT NULL")
FILL = """
    UPDATE jobs SET payload = '{}', lane = CASE kind
        WHEN 'embed' THEN 'slow'
        WHEN 'index' THEN coalesce((
            SELECT CASE
                WHEN type = 'site' THEN 'crawl'
                WHEN type = 'url' OR size > 262144 THEN 'slow'
                ELSE 'quick'
            END FROM knowledge WHERE knowledge.id = jobs.part
        ), 'quick')
        ELSE 'quick'
    END
"""


def upgrade() -> None:
    op.drop_index("ix_jobs_run_after", "jobs")
    op.drop_index("ix_jobs_avatar_id", "jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.alter_column("avatar_id", new_column_name="group_id")
        jobs.alter_column("item_id", new_column_name="part")
        jobs.add_column(sa.Column("lane", sa.String(), nullable=True))
        jobs.add_column(sa.Column("payload", sa.String(), nullable=True))
    op.execute(FILL)
    with op.batch_alter_table("jobs") as jobs:
        jobs.alter_column("lane", existing_type=sa.String(), nullable=False)
        jobs.alter_column("payload", existing_type=sa.String(), nullable=False)
    op.create_index("ix_jobs_lane_created_at_id", "jobs", ["lane", "created_at", "id"])
    op.create_index("ix_jobs_group_id_part", "jobs", ["group_id", "part"])
    op.create_index("ix_jobs_held", "jobs", ["group_id"], sqlite_where=HELD, postgresql_where=HELD)


def downgrade() -> None:
    for index in ("ix_jobs_held", "ix_jobs_group_id_part", "ix_jobs_lane_created_at_id"):
        op.drop_index(index, "jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("payload")
        jobs.drop_column("lane")
        jobs.alter_column("part", new_column_name="item_id")
        jobs.alter_column("group_id", new_column_name="avatar_id")
    op.create_index("ix_jobs_run_after", "jobs", ["run_after"])
    op.create_index("ix_jobs_avatar_id", "jobs", ["avatar_id"])
