"""Tables of results."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exam_server.db import Base


class PaperResult(Base):
    """The marks of a paper; `head` is the journal's head that was graded.

    Whether it is conditional is not kept here but follows from the check-in.
    """

    __tablename__ = "paper_result"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    total: Mapped[Decimal]
    maximum: Mapped[Decimal]
    scorer_version: Mapped[str]
    head: Mapped[bytes]
    graded_at: Mapped[datetime]
