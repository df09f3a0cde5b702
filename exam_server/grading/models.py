"""Tables of marks."""

from decimal import Decimal

from sqlmodel import Field

from exam_server.db import Base, ExactDecimal


class ItemScore(Base, table=True):
    """The marks of one item; item version and scorer version let anybody compute them again.

    `response`, the scored response in its plain form as JSON, is sealed; None: there was none.
    """

    __tablename__ = "item_score"

    attempt_id: str = Field(foreign_key="attempt.id", primary_key=True)
    presented_id: str = Field(primary_key=True)
    centre_id: str = Field(foreign_key="centre.id")
    item_version_id: str = Field(foreign_key="item_version.id", index=True)
    part: int
    number: int
    response: bytes | None = None
    raw: Decimal = Field(sa_type=ExactDecimal)
    maximum: Decimal = Field(sa_type=ExactDecimal)
    scorer_version: str
