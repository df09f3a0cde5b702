"""What happened to an item: its history, which people read, and the audit log beside it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.auth import Officer
from exam_server.items.models import WRITING, Act, ItemCard, ItemEvent
from exam_server.sealing import Sealed, Sealing
from exam_server.staff import Staff

JUST_NOW = timedelta(minutes=10)
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Event:
    """A line of an item's history."""

    act: Act
    version: int
    at: datetime
    who: str
    note: str


def note(
    session: Session,
    card: ItemCard,
    act: Act,
    officer: Officer | None,
    *,
    sealing: Sealing,
    now: datetime,
    text: str = "",
    version: int | None = None,
) -> None:
    """Writes the item's history and, of what people did, the audit log (which is told no text of
    items). What the operator loads is logged once, with the paper."""
    last = session.scalar(
        select(sa.func.max(ItemEvent.position)).where(ItemEvent.item_id == card.item_id)
    )
    position, shown = (last or 0) + 1, version or card.version
    row = f"{card.item_id}/{position}"
    session.add(
        ItemEvent(
            item_id=card.item_id,
            position=position,
            version=shown,
            act=act,
            at=now,
            staff_id=officer.id if officer else None,
            note=sealing.seal(Sealed.ITEM_NOTE, row, text.encode()) if text else None,
        )
    )
    session.flush()
    if officer is None:
        return
    audit.record(
        session,
        actor=officer.actor,
        action=act.value,
        subject=f"item:{card.item_id}",
        details={"version": shown, **officer.served},
        now=now,
    )


def history(session: Session, card: ItemCard, *, sealing: Sealing) -> list[Event]:
    """What happened to an item, newest first: the last `SHOWN` things (a secret item's history has
    each look at it); all of it stands in the audit log."""
    rows = session.exec(
        select(ItemEvent, Staff.name)
        .join(Staff, col(Staff.id) == ItemEvent.staff_id, isouter=True)
        .where(ItemEvent.item_id == card.item_id)
        .order_by(col(ItemEvent.position).desc())
        .limit(SHOWN)
    )
    return [
        Event(
            event.act,
            event.version,
            event.at,
            name or "",
            sealing.unseal(
                Sealed.ITEM_NOTE, f"{event.item_id}/{event.position}", event.note
            ).decode()
            if event.note
            else "",
        )
        for event, name in rows
    ]


def seen_lately(session: Session, officer: Officer, item_id: str, now: datetime) -> bool:
    """Whether it stands in the history that `officer` has just opened the item."""
    found = select(ItemEvent.position).where(
        ItemEvent.item_id == item_id,
        ItemEvent.staff_id == officer.id,
        ItemEvent.act == Act.SEEN,
        ItemEvent.at > now - JUST_NOW,
    )
    return session.exec(found.limit(1)).first() is not None


def writers_of(session: Session, item_id: str, version: int) -> frozenset[str]:
    """Who wrote in a version: none of them can be its second person."""
    found = session.exec(
        select(ItemEvent.staff_id).where(
            ItemEvent.item_id == item_id,
            ItemEvent.version == version,
            col(ItemEvent.act).in_(WRITING),
        )
    )
    return frozenset(one for one in found if one)
