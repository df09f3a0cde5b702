"""What a shift may be written with: kiosk programs and packages, frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shift", sa.Column("frozen_programs", sa.JSON(), nullable=True))
    op.add_column("shift", sa.Column("frozen_packages", sa.JSON(), nullable=True))
    op.add_column("shift", sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("shift", sa.Column("frozen_by", sa.String(), nullable=True))


def downgrade() -> None:
    for name in ("frozen_by", "frozen_at", "frozen_packages", "frozen_programs"):
        op.drop_column("shift", name)
