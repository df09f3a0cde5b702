"""Tables of marks."""

from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exam_server.db import Base


class ItemScore(Base):
    """The marks of one item; item version and scorer version let anybody compute them again."""

    __tablename__ = "item_score"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    presented_id: Mapped[str] = mapped_column(primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    item_version_id: Mapped[str] = mapped_column(ForeignKey("item_version.id"), index=True)
    part: Mapped[int]
    number: Mapped[int]
    response: Mapped[dict[str, Any] | None]
    raw: Mapped[Decimal]
    maximum: Mapped[Decimal]
    scorer_version: Mapped[str]
