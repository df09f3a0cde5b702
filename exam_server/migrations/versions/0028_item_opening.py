"""Wishes to open secret items, and which items an import became."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "item_export", sa.Column("opens", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("item_import", sa.Column("made", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("item_import", "made")
    op.drop_column("item_export", "opens")
