"""Sections of sequential papers: which items, how long, and what was left when."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("form", sa.Column("sections", sa.JSON(), nullable=True))
    op.add_column("attempt", sa.Column("sections_left", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("attempt", "sections_left")
    op.drop_column("form", "sections")
