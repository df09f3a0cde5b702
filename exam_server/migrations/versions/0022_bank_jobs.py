"""Work on many items at once, with its progress and what its undoing needs; tags of items."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def _to(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        "item_tag",
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        _to("item_tag", "item_id", "item"),
        sa.PrimaryKeyConstraint("tag", "item_id", name=op.f("pk_item_tag")),
    )
    op.create_index(op.f("ix_item_tag_item_id"), "item_tag", ["item_id"])
    op.create_table(
        "bank_job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("task", sa.String(32), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        _to("bank_job", "staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_job")),
    )
    op.create_index(op.f("ix_bank_job_staff_id"), "bank_job", ["staff_id"])
    op.create_table(
        "bank_job_item",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        _to("bank_job_item", "job_id", "bank_job"),
        _to("bank_job_item", "item_id", "item"),
        sa.PrimaryKeyConstraint("job_id", "item_id", name=op.f("pk_bank_job_item")),
    )


def downgrade() -> None:
    op.drop_table("bank_job_item")
    op.drop_index(op.f("ix_bank_job_staff_id"), "bank_job")
    op.drop_table("bank_job")
    op.drop_index(op.f("ix_item_tag_item_id"), "item_tag")
    op.drop_table("item_tag")
