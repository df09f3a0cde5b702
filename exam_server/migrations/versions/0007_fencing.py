"""What follows a takeover: noted heads, words on late records; results that are published."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "noted_head",
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("noted_by", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_noted_head_attempt_id")
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_noted_head_centre_id")),
        sa.ForeignKeyConstraint(["noted_by"], ["staff.id"], name=op.f("fk_noted_head_noted_by")),
        sa.PrimaryKeyConstraint("attempt_id", "epoch", "code", name=op.f("pk_noted_head")),
    )
    op.create_table(
        "late_decision",
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("adopted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_late_decision_attempt_id")
        ),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centre.id"], name=op.f("fk_late_decision_centre_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["staff.id"], name=op.f("fk_late_decision_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence_record.id"], name=op.f("fk_late_decision_evidence_id")
        ),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_late_decision")),
    )
    op.create_index("ix_late_decision_attempt_id", "late_decision", ["attempt_id"])
    op.create_table(
        "publication",
        sa.Column("shift_id", sa.String(), nullable=False),
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centre.id"], name=op.f("fk_publication_centre_id")
        ),
        sa.ForeignKeyConstraint(
            ["published_by"], ["staff.id"], name=op.f("fk_publication_published_by")
        ),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_publication_shift_id")),
        sa.PrimaryKeyConstraint("shift_id", name=op.f("pk_publication")),
    )


def downgrade() -> None:
    op.drop_table("publication")
    op.drop_index("ix_late_decision_attempt_id", "late_decision")
    op.drop_table("late_decision")
    op.drop_table("noted_head")
