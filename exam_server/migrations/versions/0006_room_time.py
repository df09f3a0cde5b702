"""One act on the time of a whole room, and the ledger that a kiosk shows."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "room_act",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("shift_id", sa.String(), nullable=False),
        sa.Column("room_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("officer", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"]),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"]),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"]),
        sa.ForeignKeyConstraint(["officer"], ["staff.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_room_act_shift_id"), "room_act", ["shift_id"])
    op.add_column("station_status", sa.Column("ledger_attempt", sa.String(), nullable=True))
    op.add_column("station_status", sa.Column("ledger_seen", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("station_status", "ledger_seen")
    op.drop_column("station_status", "ledger_attempt")
    op.drop_index(op.f("ix_room_act_shift_id"), table_name="room_act")
    op.drop_table("room_act")
