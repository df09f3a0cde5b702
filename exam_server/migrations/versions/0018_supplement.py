"""When each result was made known: attempts told of after the publication are a supplement."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "paper_result", sa.Column("published_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.execute(
        "UPDATE paper_result SET published_at = ("
        "SELECT publication.published_at FROM publication JOIN attempt"
        " ON attempt.centre_id = publication.centre_id"
        " AND attempt.shift_id = publication.shift_id"
        " WHERE attempt.centre_id = paper_result.centre_id"
        " AND attempt.id = paper_result.attempt_id)"
    )


def downgrade() -> None:
    op.drop_column("paper_result", "published_at")
