"""Which room kit a station has, whole."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("station_status", sa.Column("kit", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("station_status", "kit")
