"""Marks that people give: by whom, how many an answer needs, and what they may differ by."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("paper", sa.Column("markers", sa.Integer(), nullable=False, server_default="1"))
    op.add_column(
        "paper", sa.Column("difference", sa.String(40), nullable=False, server_default="0")
    )
    op.add_column(
        "item_score", sa.Column("for_people", sa.String(40), nullable=False, server_default="0")
    )
    op.execute("UPDATE item_score SET for_people = awaiting")
    op.create_table(
        "marking",
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("presented_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("points", sa.String(40), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("remark", sa.LargeBinary(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id", "attempt_id"],
            ["attempt.centre_id", "attempt.id"],
            name=op.f("fk_marking_centre_id_attempt_id"),
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_marking_staff_id")),
        sa.PrimaryKeyConstraint(
            "centre_id", "attempt_id", "presented_id", "place", name=op.f("pk_marking")
        ),
        sa.UniqueConstraint(
            "centre_id", "attempt_id", "presented_id", "staff_id",
            name=op.f("uq_marking_centre_id_attempt_id_presented_id_staff_id"),
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_marking_staff_id"), "marking", ["staff_id"])


def downgrade() -> None:
    op.drop_table("marking")
    op.drop_column("item_score", "for_people")
    op.drop_column("paper", "difference")
    op.drop_column("paper", "markers")
