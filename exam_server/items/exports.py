"""Taking items out: an open one at once, a secret one on a second person's word, and once.

So is a secret item made open: one alone could take it out otherwise.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from exam_server.auth import Officer
from exam_server.db import new_id
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import history, keeping
from exam_server.items.models import Act, ItemCard, ItemExport
from exam_server.items.models import Item as StoredItem
from exam_server.items.rights import Rights, rights_of
from exam_server.sealing import Sealed, Sealing
from exam_server.staff import Staff
from question_bank.interchange.formats import WRITERS
from question_bank.interchange.problems import Problem
from question_bank.item import Item
from question_bank.lifecycle import Role

SHOWN = 200
QTI = "qti3"


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish to take a secret item out or to open it, as people read it; `may_decide`: whoever
    reads it."""

    row: ItemExport
    name: str
    subject: str
    reason: str
    asked_by: str
    decided_by: str
    may_decide: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What leaves: an item's name, its file as the format has it, what the format cannot carry."""

    name: str
    suffix: str
    mime: str
    data: bytes
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class WayOut:
    """In which version an item may leave, and by which wish; None: it is open."""

    version: int
    wish: ItemExport | None

    def allows(self, version: int) -> bool:
        """Whether that version may leave: of an open item every one, of a secret one its wish's."""
        return self.wish is None or self.wish.version == version


def way_out(session: Session, officer: Officer, card: ItemCard, *, lock: bool = False) -> WayOut:
    """How an item leaves in a file that `officer` asks for: an open one as it is newest, a secret
    one by their wish for it that was granted last and is not used up. NotPossibleError where it
    takes such a wish and there is none. `lock`: whoever uses it up takes their turn."""
    if not card.secret:
        return WayOut(card.version, None)
    granted = (
        select(ItemExport)
        .where(
            ItemExport.item_id == card.item_id,
            ItemExport.asked_by == officer.id,
            col(ItemExport.granted).is_(True),
            col(ItemExport.opens).is_(False),
            col(ItemExport.taken_at).is_(None),
        )
        .order_by(col(ItemExport.decided_at).desc(), ItemExport.id)
        .limit(1)
    )
    wish = session.exec(granted.with_for_update() if lock else granted).first()
    if wish is None:
        raise NotPossibleError(Objection.SECOND_PERSON_NEEDED, "ask for it: it is secret")
    return WayOut(wish.version, wish)


def take_open(
    session: Session,
    officer: Officer,
    item_id: str,
    form: str = QTI,
    *,
    sealing: Sealing,
    now: datetime,
) -> Taken:
    """The newest version of an item that is not secret, in the format `form` (of `WRITERS`)."""
    card = keeping.card_of(session, rights_of(session, officer), item_id)
    if card.secret:
        raise NotPossibleError(Objection.SECOND_PERSON_NEEDED, "ask for it: it is secret")
    opened = keeping.read(session, card, sealing=sealing)
    taken = _taken(opened.name, opened.item, form)
    history.note(session, card, Act.EXPORTED, officer, sealing=sealing, now=now)
    return taken


def _taken(name: str, item: Item, form: str) -> Taken:
    """The file; raises NotPossibleError for a format that is none or cannot hold the item."""
    writer = WRITERS.get(form)
    if writer is None:
        raise NotPossibleError(Objection.BAD_VALUE, f"there is no format {form[:40]!r}")
    written = writer.write([item], [])
    refused = [problem for problem in written.problems if problem.severity == "error"]
    if refused:
        raise NotPossibleError(Objection.NOT_CARRIED, refused[0].message)
    return Taken(name, writer.suffix, writer.mime, written.data, written.problems)


def ask(
    session: Session,
    officer: Officer,
    item_id: str,
    reason: str,
    *,
    opens: bool = False,
    sealing: Sealing,
    now: datetime,
) -> str:
    """Asks for a secret item, or (`opens`) that it is secret no more; the id of the wish."""
    card = keeping.card_of(session, rights_of(session, officer), item_id)
    if opens and not card.secret:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "it is open already")
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "say what it is for")
    wish_id = new_id()
    row = ItemExport(
        id=wish_id,
        item_id=item_id,
        version=card.version,
        reason=sealing.seal(Sealed.EXPORT_REASON, wish_id, reason.strip().encode()),
        asked_by=officer.id,
        asked_at=now,
        opens=opens,
    )
    session.add(row)
    act = Act.OPENING_ASKED if opens else Act.EXPORT_ASKED
    history.note(session, card, act, officer, sealing=sealing, now=now, text=reason.strip())
    return wish_id


def _wish(session: Session, officer: Officer, wish_id: str) -> tuple[ItemExport, ItemCard]:
    row = session.get(ItemExport, wish_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such wish")
    return row, keeping.card_of(session, rights_of(session, officer), row.item_id)


def decide(
    session: Session,
    officer: Officer,
    wish_id: str,
    *,
    granted: bool,
    sealing: Sealing,
    now: datetime,
) -> None:
    """The second person's word, once."""
    row, card = _wish(session, officer, wish_id)
    if row.decided_at is not None:
        raise NotPossibleError(Objection.WRONG_STATE, "it was decided before")
    if row.asked_by == officer.id:
        raise NotPossibleError(Objection.OWN_ITEM, "another person than who asked decides")
    row.decided_by, row.decided_at, row.granted = officer.id, now, granted
    session.add(row)
    if row.opens:
        _decide_opening(session, officer, card, granted=granted, sealing=sealing, now=now)
        return
    act = Act.EXPORT_GRANTED if granted else Act.EXPORT_REFUSED
    history.note(session, card, act, officer, sealing=sealing, now=now, version=row.version)


def _decide_opening(
    session: Session,
    officer: Officer,
    card: ItemCard,
    *,
    granted: bool,
    sealing: Sealing,
    now: datetime,
) -> None:
    """The item is open from here on, or stays what it is."""
    rights = rights_of(session, officer)
    if not _may_decide(rights, opens=True):
        raise NotPossibleError(Objection.ROLE_MISSING, "a reviewer or the exam office opens it")
    card = keeping.card_of(session, rights, card.item_id, lock=True)
    if granted and not card.secret:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "it is open already")
    if granted:
        keeping.set_secrecy(session, card, secret=False, sealing=sealing)
    act = Act.OPENED if granted else Act.OPENING_REFUSED
    history.note(session, card, act, officer, sealing=sealing, now=now)


def _may_decide(rights: Rights, *, opens: bool) -> bool:
    return not opens or rights.role is not Role.ITEM_WRITER


def take(
    session: Session,
    officer: Officer,
    wish_id: str,
    form: str = QTI,
    *,
    sealing: Sealing,
    now: datetime,
) -> Taken:
    """The item in the format `form`, for whoever asked, once, in the version asked for."""
    row, card = _wish(session, officer, wish_id)
    if row.asked_by != officer.id:
        raise NotPossibleError(Objection.ROLE_MISSING, "only who asked takes it")
    if row.opens or not row.granted or row.taken_at is not None:
        raise NotPossibleError(Objection.WRONG_STATE, "it is not granted, or was taken before")
    opened = keeping.read(session, card, sealing=sealing, version=row.version)
    taken = _taken(opened.name, opened.item, form)
    row.taken_at = now
    session.add(row)
    history.note(
        session, card, Act.EXPORTED, officer, sealing=sealing, now=now, version=row.version
    )
    return taken


def wishes(session: Session, officer: Officer, *, sealing: Sealing) -> list[Wish]:
    """Those for items that `officer` may see, newest first."""
    rights = rights_of(session, officer)
    rows = session.exec(
        select(ItemExport, StoredItem.name, ItemCard.subject)
        .join(ItemCard, col(ItemCard.item_id) == ItemExport.item_id)
        .join(StoredItem, col(StoredItem.id) == ItemExport.item_id)
        .where(rights.scope())
        .order_by(col(ItemExport.asked_at).desc())
        .limit(SHOWN)
    ).all()
    ids = {one for row, _, _ in rows for one in (row.asked_by, row.decided_by)}
    people = dict(session.exec(select(Staff.id, Staff.name).where(col(Staff.id).in_(ids))).all())
    return [
        Wish(
            row,
            name,
            subject,
            sealing.unseal(Sealed.EXPORT_REASON, row.id, row.reason).decode(),
            people.get(row.asked_by, ""),
            people.get(row.decided_by or "", ""),
            row.decided_at is None
            and row.asked_by != officer.id
            and _may_decide(rights, opens=row.opens),
        )
        for row, name, subject in rows
    ]
