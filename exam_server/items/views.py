"""What the bank's pages show of an item, gathered once for all of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from sqlmodel import Session

from exam_server.errors import NotPossibleError, Objection
from exam_server.items import history, keeping, life, statistics
from exam_server.items.finding import Found
from exam_server.items.history import Event
from exam_server.items.keeping import Opened
from exam_server.items.models import ItemCard, ItemStatistic
from exam_server.items.preview import line
from exam_server.items.rights import rights_of
from exam_server.items.standing import UNDECIDED, standing
from exam_server.sealing import Sealing
from exam_server.web.visit import Visit
from question_bank.content import plain_text
from question_bank.difference import Change, Mark
from question_bank.lifecycle import REVISABLE, Action, Role, State

EXCERPT = 160
#: What stands beside a field of an item, where the same code says something of a shift elsewhere.
_FAULTS = {Objection.WRONG_STATE: "item_state", Objection.ROLE_MISSING: "item_role"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list; `excerpt` is None for a secret item, which a list does not open; `stands`
    is the state of the version behind a draft."""

    card: ItemCard
    name: str
    excerpt: Markup | None
    stands: State | None


@dataclass(frozen=True, slots=True)
class Desk:
    """An item on somebody's desk, and what they can do with it."""

    opened: Opened
    steps: tuple[Action, ...]
    history: Sequence[Event]
    statistics: Sequence[ItemStatistic]
    stands: tuple[int, State] | None
    """(version, state) of what stands behind the draft that is shown"""
    may_write: bool
    may_set_secrecy: bool


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A part that differs, its pieces ready for a page; none: its words are the same."""

    change: Change
    pieces: tuple[tuple[Mark, Markup], ...]


def fault_of(error: NotPossibleError) -> str:
    """The code of the words that stand beside a field of an item's page."""
    return _FAULTS.get(error.objection, error.objection.value)


def open_for(visit: Visit, item_id: str, version: int | None = None) -> Desk:
    """The item for whoever visits; that a secret one was seen is written down first."""
    server, officer = visit.server, visit.signed_in
    with server.reading() as session:
        card = keeping.card_of(session, rights_of(session, officer), item_id)
        if not card.secret:
            opened = keeping.read(session, card, sealing=server.sealing, version=version)
            return _desk(session, visit, opened)
    with server.transaction() as session:
        opened = life.look(
            session, officer, item_id, sealing=server.sealing, now=visit.now(), version=version
        )
        return _desk(session, visit, opened)


def _desk(session: Session, visit: Visit, opened: Opened) -> Desk:
    rights = rights_of(session, visit.signed_in)
    writable = opened.state is State.DRAFT or opened.state in REVISABLE
    return Desk(
        opened=opened,
        stands=_stands(session, opened.card) if opened.newest else None,
        steps=life.possible_steps(session, visit.signed_in, opened),
        history=history.history(session, opened.card, sealing=visit.server.sealing),
        statistics=statistics.of_version(session, opened.card.item_id, opened.item.version),
        may_write=rights.role is Role.ITEM_WRITER and opened.newest and writable,
        may_set_secrecy=rights.cover(opened.card.subject, secret=True),
    )


def rows_of(session: Session, found: Found, sealing: Sealing) -> list[Row]:
    """The list's lines."""
    rows = []
    for card, name in found.cards:
        stands = _stands(session, card)
        rows.append(Row(card, name, _excerpt(session, card, sealing), stands and stands[1]))
    return rows


def _stands(session: Session, card: ItemCard) -> tuple[int, State] | None:
    if card.state not in UNDECIDED or card.version == 1:
        return None
    row = standing(session, card.item_id)
    return None if row is None else (row.version, row.state)


def _excerpt(session: Session, card: ItemCard, sealing: Sealing) -> Markup | None:
    if card.secret:
        return None
    try:
        opened = keeping.read(session, card, sealing=sealing)
    except NotPossibleError:  # a version that went away in between
        return None
    return line(plain_text(opened.item.stem), EXCERPT)


def change_lines(changes: Iterable[Change]) -> list[ChangeLine]:
    return [
        ChangeLine(change, tuple((piece.mark, line(piece.text)) for piece in change.pieces))
        for change in changes
    ]
