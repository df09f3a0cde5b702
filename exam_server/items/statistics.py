"""What answers told of items, kept for each version with its source: a shift, or a file."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session, col, select

from exam_server.items.models import ItemCard, ItemStatistic, ItemVersion
from exam_server.items.standing import UNDECIDED, standing
from question_bank.psychometrics.classical import ItemStatistics

THOUSAND = 1000


def keep(
    session: Session, version_id: str, source: str, told: ItemStatistics, *, now: datetime
) -> None:
    """What `source` tells of a version, in place of what it told before; the card shows it."""
    row = session.get(ItemStatistic, (version_id, source))
    if row is None:
        row = ItemStatistic(
            item_version_id=version_id, source=source, answers=0, difficulty=0, at=now
        )
    row.answers, row.at = told.answers, now
    row.difficulty = int(told.difficulty * THOUSAND)
    row.discrimination = (
        None if told.discrimination is None else int(told.discrimination * THOUSAND)
    )
    session.add(row)
    session.flush()
    version = session.get_one(ItemVersion, version_id)
    card = session.get(ItemCard, version.item_id)
    if card is not None:
        show(session, card)


def show(session: Session, card: ItemCard) -> None:
    """Makes the card show the newest statistics of its version, or of the one that stands behind
    a draft; or none."""
    stands = standing(session, card.item_id) if card.state in UNDECIDED else None
    told = of_version(session, card.item_id, stands.version if stands else card.version)
    newest = told[0] if told else None
    card.answers = newest.answers if newest else 0
    card.difficulty = newest.difficulty if newest else None
    card.discrimination = newest.discrimination if newest else None
    session.add(card)


def of_version(session: Session, item_id: str, version: int) -> Sequence[ItemStatistic]:
    """All statistics of a version, the newest first."""
    return session.exec(
        select(ItemStatistic)
        .join(ItemVersion, col(ItemVersion.id) == ItemStatistic.item_version_id)
        .where(ItemVersion.item_id == item_id, ItemVersion.version == version)
        .order_by(col(ItemStatistic.at).desc(), ItemStatistic.source)
    ).all()


def share(thousandths: int | None) -> Decimal | None:
    """A number of a row as people write it."""
    return None if thousandths is None else Decimal(thousandths) / THOUSAND
