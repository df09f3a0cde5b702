"""Marks that only people can give and have not given yet."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLES = ("item_score", "paper_result")


def upgrade() -> None:
    for table in TABLES:
        column = sa.Column("awaiting", sa.String(40), nullable=False, server_default="0")
        op.add_column(table, column)


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "awaiting")
