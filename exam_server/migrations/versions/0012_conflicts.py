"""Two hands in one attempt: presented tokens, conflicts, and the side that lies aside."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATE = sa.Enum("admitted", "writing", "submitted", native_enum=False, length=32)
SIDE = sa.Enum("server", "claimant", native_enum=False, length=32)


def _of_centre(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["centre_id", column],
        [f"{parent}.centre_id", f"{parent}.id"],
        name=op.f(f"fk_{table}_centre_id_{column}"),
    )


def upgrade() -> None:
    op.create_table(
        "presented_token",
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("presented_at", sa.DateTime(timezone=True), nullable=False),
        _of_centre("presented_token", "attempt_id", "attempt"),
        sa.PrimaryKeyConstraint(
            "centre_id", "attempt_id", "epoch", "head", name=op.f("pk_presented_token")
        ),
    )
    op.create_table(
        "lease_conflict",
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("claimant_id", sa.String(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fork_sequence", sa.Integer(), nullable=False),
        sa.Column("fork_head", sa.LargeBinary(), nullable=False),
        sa.Column("tip_sequence", sa.Integer(), nullable=False),
        sa.Column("tip_head", sa.LargeBinary(), nullable=False),
        sa.Column("counts", SIDE, nullable=False),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("aside_state", STATE, nullable=False),
        sa.Column("aside_handed_in", sa.Boolean(), nullable=False),
        sa.Column("aside_submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("aside_receipt", sa.LargeBinary(), nullable=True),
        sa.Column("aside_receipt_signature", sa.LargeBinary(), nullable=True),
        sa.Column("aside_receipt_code", sa.String(), nullable=True),
        _of_centre("lease_conflict", "attempt_id", "attempt"),
        sa.ForeignKeyConstraint(
            ["claimant_id"], ["station.id"], name=op.f("fk_lease_conflict_claimant_id")
        ),
        sa.ForeignKeyConstraint(
            ["settled_by"], ["staff.id"], name=op.f("fk_lease_conflict_settled_by")
        ),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_lease_conflict")),
    )
    op.create_index("ix_lease_conflict_attempt_id", "lease_conflict", ["attempt_id"])
    op.create_table(
        "rival_lease",
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("conflict_id", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        _of_centre("rival_lease", "conflict_id", "lease_conflict"),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.id"], name=op.f("fk_rival_lease_station_id")
        ),
        sa.PrimaryKeyConstraint("centre_id", "conflict_id", "epoch", name=op.f("pk_rival_lease")),
    )
    op.create_index("ix_rival_lease_attempt_id", "rival_lease", ["attempt_id"])
    op.create_table(
        "rival_head",
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("conflict_id", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        _of_centre("rival_head", "conflict_id", "lease_conflict"),
        sa.PrimaryKeyConstraint(
            "centre_id", "conflict_id", "epoch", "sequence", name=op.f("pk_rival_head")
        ),
    )


def downgrade() -> None:
    op.drop_table("rival_head")
    op.drop_index("ix_rival_lease_attempt_id", "rival_lease")
    op.drop_table("rival_lease")
    op.drop_index("ix_lease_conflict_attempt_id", "lease_conflict")
    op.drop_table("lease_conflict")
    op.drop_table("presented_token")
