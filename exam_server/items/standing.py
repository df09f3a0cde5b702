"""The version of an item that stands: the newest that was approved, whatever draft follows it.

Forms use it, answers count for it and it can be retired, while its next version is written.
"""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server.items.models import ItemCard, ItemVersion
from question_bank.lifecycle import REVISABLE, State

#: What is not decided yet: behind such a version another may stand.
UNDECIDED = (State.DRAFT, State.REVIEW)
_DECIDED = tuple(sorted(REVISABLE))


def standing(session: Session, item_id: str) -> ItemVersion | None:
    return session.exec(
        select(ItemVersion)
        .where(ItemVersion.item_id == item_id, col(ItemVersion.state).in_(_DECIDED))
        .order_by(col(ItemVersion.version).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def stands_as(state: State) -> sa.ColumnElement[bool]:
    """That a card's newest version, or the one that stands behind it, is in `state`."""
    newest = (
        select(sa.func.max(ItemVersion.version))
        .where(ItemVersion.item_id == ItemCard.item_id, col(ItemVersion.state).in_(_DECIDED))
        .correlate(ItemCard)
        .scalar_subquery()
    )
    behind = (
        select(ItemVersion.id)
        .where(
            ItemVersion.item_id == ItemCard.item_id,
            ItemVersion.version == newest,
            ItemVersion.state == state,
        )
        .correlate(ItemCard)
        .exists()
    )
    itself = col(ItemCard.state) == state
    if state not in REVISABLE:
        return itself
    follows = sa.and_(col(ItemCard.state).in_(UNDECIDED), col(ItemCard.version) > 1)
    return itself | sa.and_(follows, behind)
