"""A station says that its disk is filling up."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("station_status") as table:
        table.add_column(
            sa.Column("disk_low", sa.Boolean(), nullable=False, server_default=sa.false())
        )


def downgrade() -> None:
    with op.batch_alter_table("station_status") as table:
        table.drop_column("disk_low")
