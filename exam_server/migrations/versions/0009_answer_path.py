"""What the answer path reads with the attempt itself: handed in or not, the ledger's last entry.

A hand-in whose receipt was not asked for yet cannot be told from here (records are sealed): such
an attempt counts as not handed in until the station asks for its receipt, which it does at once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "attempt", sa.Column("handed_in", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "attempt", sa.Column("ledger_position", sa.Integer(), nullable=False, server_default="0")
    )
    op.execute("UPDATE attempt SET handed_in = (state = 'submitted')")
    op.execute(
        "UPDATE attempt SET ledger_position = COALESCE("
        "(SELECT MAX(position) FROM ledger_entry WHERE attempt_id = attempt.id), 0)"
    )


def downgrade() -> None:
    op.drop_column("attempt", "ledger_position")
    op.drop_column("attempt", "handed_in")
