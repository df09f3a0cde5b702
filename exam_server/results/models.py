"""Tables of results."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import Field

from exam_server.db import Base, ExactDecimal, UtcDateTime


class PaperResult(Base, table=True):
    """The marks of a paper; `head` is the journal's head that was graded.

    Whether it is conditional is not kept here but follows from the check-in.
    """

    __tablename__ = "paper_result"

    attempt_id: str = Field(foreign_key="attempt.id", primary_key=True)
    centre_id: str = Field(foreign_key="centre.id")
    total: Decimal = Field(sa_type=ExactDecimal)
    maximum: Decimal = Field(sa_type=ExactDecimal)
    scorer_version: str
    head: bytes
    graded_at: datetime = Field(sa_type=UtcDateTime)
