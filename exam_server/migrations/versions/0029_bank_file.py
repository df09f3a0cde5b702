"""Files of many items, and the work that makes them."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bank_file",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held", sa.JSON(), nullable=False),
        sa.Column("problems", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["bank_job.id"], name=op.f("fk_bank_file_job_id_bank_job")
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_bank_file")),
    )


def downgrade() -> None:
    op.drop_table("bank_file")
