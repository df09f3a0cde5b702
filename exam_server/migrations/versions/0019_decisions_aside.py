"""Officers' words on late answers stay with the side of a conflict on which they were said.

So does the moment of a receipt; and a head that no side has does not stand in another one's way.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

KEY = ["centre_id", "conflict_id", "epoch", "sequence"]


def upgrade() -> None:
    op.create_table(
        "rival_decision",
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("conflict_id", sa.String(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("adopted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id", "conflict_id"],
            ["lease_conflict.centre_id", "lease_conflict.id"],
            name=op.f("fk_rival_decision_centre_id_conflict_id"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["staff.id"], name=op.f("fk_rival_decision_decided_by")
        ),
        sa.PrimaryKeyConstraint("centre_id", "conflict_id", "head", name=op.f("pk_rival_decision")),
    )
    with op.batch_alter_table("lease_conflict") as batch:
        batch.add_column(
            sa.Column("exchanged", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch.add_column(sa.Column("aside_receipt_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("lease_conflict") as batch:
        batch.alter_column("exchanged", server_default=None)
    op.execute(
        "UPDATE lease_conflict SET aside_receipt_at = aside_submitted_at"
        " WHERE aside_receipt IS NOT NULL"
    )
    _known_by([*KEY, "head"])


def _known_by(columns: list[str]) -> None:
    with op.batch_alter_table("rival_head") as batch:
        batch.drop_constraint("pk_rival_head", type_="primary")
        batch.create_primary_key("pk_rival_head", columns)


def downgrade() -> None:
    """Of two heads of one lease and number the one that came first stays."""
    op.execute(
        "DELETE FROM rival_head WHERE EXISTS (SELECT 1 FROM rival_head AS other"
        " WHERE other.centre_id = rival_head.centre_id"
        " AND other.conflict_id = rival_head.conflict_id"
        " AND other.epoch = rival_head.epoch AND other.sequence = rival_head.sequence"
        " AND (other.received_at < rival_head.received_at"
        " OR other.received_at = rival_head.received_at AND other.head < rival_head.head))"
    )
    _known_by(KEY)
    with op.batch_alter_table("lease_conflict") as batch:
        batch.drop_column("aside_receipt_at")
        batch.drop_column("exchanged")
    op.drop_table("rival_decision")
