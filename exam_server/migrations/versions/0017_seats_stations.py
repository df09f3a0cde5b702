"""Which stations stand, or stood, at a seat: asked for every seat of a room at each heartbeat.

Without the index every heartbeat read all assignments of its centre.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_assignment_seat", "assignment", ["centre_id", "seat_id"])


def downgrade() -> None:
    op.drop_index("ix_assignment_seat", table_name="assignment")
