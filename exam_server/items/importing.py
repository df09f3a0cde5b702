"""Files that writers bring: read apart, kept sealed, and taken as drafts item by item."""

import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.engine import Engine
from sqlmodel import Session, col, select

from exam_server import db
from exam_server.auth import Officer
from exam_server.db import new_id
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import life
from exam_server.items.models import Act, ItemCard, ItemImport
from exam_server.items.models import Item as StoredItem
from exam_server.items.reading_apart import Reading, reading_from_plain
from exam_server.items.rights import rights_of
from exam_server.sealing import Sealed, Sealing
from question_bank.interchange.problems import Problem
from question_bank.item import Item
from question_bank.lifecycle import State

SHOWN = 50
#: So many items in a transaction; between two of them others write.
CHUNK = 20
#: Seconds; SQLite's waiting writers look every tenth of one.
PAUSE = 0.02
_ASKED_AT_ONCE = 500
#: So many items on a page.
PAGE = 50
#: So many read files a process keeps open.
OPEN = 2


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that was read, for its writer."""

    row: ItemImport
    reading: Reading
    secret: bool

    @property
    def open(self) -> list[int]:
        """The items not taken yet, by their places."""
        return [index for index in range(len(self.reading.items)) if index not in self.row.taken]

    def item(self, place: int) -> Item:
        """What is not taken yet; the rest is the bank's, which shows it by its own rules."""
        if not 0 <= place < len(self.reading.items) or place in self.row.taken:
            raise NotPossibleError(Objection.NOT_FOUND, "there is no such item here")
        return self.reading.items[place]


class Readings:
    """The last few read files that this process has opened: what was found in one never changes,
    and its page asks for each picture by itself. They are opened one after the other."""

    def __init__(self) -> None:
        self._opened: OrderedDict[str, tuple[Reading, bool]] = OrderedDict()
        self._turn = threading.Lock()

    def of(self, row: ItemImport, sealing: Sealing) -> tuple[Reading, bool]:
        """(what was found, whether its items are secret). Who may see it is asked elsewhere."""
        with self._turn:
            if row.id not in self._opened:
                plain = json.loads(sealing.unseal(Sealed.ITEM_IMPORT, row.id, row.found))
                self._opened[row.id] = reading_from_plain(plain), bool(plain["secret"])
                while len(self._opened) > OPEN:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(row.id)
            return self._opened[row.id]


def keep(
    session: Session,
    officer: Officer,
    reading: Reading,
    *,
    file: str,
    subject: str,
    secret: bool,
    sealing: Sealing,
    now: datetime,
) -> str:
    """Keeps what was found in a file, its items under `subject`; the id of the import."""
    if not rights_of(session, officer).cover(subject, secret=secret):
        raise NotPossibleError(Objection.ROLE_MISSING, "this subject is not among yours")
    items = tuple(
        replace(item, metadata=replace(item.metadata, subject=subject)) for item in reading.items
    )
    found = {"secret": secret, **replace(reading, items=items).to_plain()}
    import_id = new_id()
    row = ItemImport(
        id=import_id,
        staff_id=officer.id,
        file=file,
        at=now,
        found=sealing.seal(Sealed.ITEM_IMPORT, import_id, json.dumps(found).encode()),
        taken=[],
    )
    session.add(row)
    session.flush()
    return import_id


def _row(session: Session, officer: Officer, import_id: str, *, lock: bool = False) -> ItemImport:
    row = session.get(ItemImport, import_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.staff_id != officer.id:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such import of yours")
    return row


def opened(
    session: Session, officer: Officer, import_id: str, readings: Readings, *, sealing: Sealing
) -> Brought:
    """What was found, for whoever brought it alone, as long as they may see such items."""
    row, rights = _row(session, officer, import_id), rights_of(session, officer)
    reading, secret = readings.of(row, sealing)
    subjects = {item.metadata.subject for item in reading.items}
    if not all(rights.cover(one, secret=secret) for one in subjects):
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such import of yours")
    return Brought(row, reading, secret)


def take(
    engine: Engine,
    officer: Officer,
    import_id: str,
    chosen: Iterable[int],
    readings: Readings,
    *,
    sealing: Sealing,
    clock: Callable[[], datetime],
) -> list[str]:
    """Makes drafts of the chosen items, each once and a few in each transaction; the ids of their
    items. What a stopped server left is not taken yet, and can be."""
    with db.reading(engine) as session:
        brought = opened(session, officer, import_id, readings, sealing=sealing)
        names = _names(session, brought)
    wanted = sorted(set(chosen) & set(brought.open))
    if not wanted:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "no item was chosen")
    made = list[str]()
    for first in range(0, len(wanted), CHUNK):
        if first:
            time.sleep(PAUSE)
        some = wanted[first : first + CHUNK]
        with db.transaction(engine) as session:
            made += _take_some(session, officer, brought, some, names, sealing, clock())
    return made


def _take_some(
    session: Session,
    officer: Officer,
    brought: Brought,
    places: Sequence[int],
    names: Mapping[str, str],
    sealing: Sealing,
    now: datetime,
) -> list[str]:
    """Those of `places` that another click has not taken since."""
    row = _row(session, officer, brought.row.id, lock=True)
    wanted = [place for place in places if place not in row.taken]
    made = life.create(
        session,
        officer,
        [brought.reading.items[place] for place in wanted],
        act=Act.IMPORTED,
        secret=brought.secret,
        names=names,
        sealing=sealing,
        now=now,
    )
    row.taken = sorted({*row.taken, *wanted})
    row.made = row.made | {str(place): one for place, one in zip(wanted, made, strict=True)}
    session.add(row)
    session.flush()
    return made


def _names(session: Session, brought: Brought) -> dict[str, str]:
    """What each item of the file is called in the bank, the same whenever it is asked: whose name
    another has gets the file's own ending. So enemies find each other across transactions."""
    ids = [item.id for item in brought.reading.items]
    own = {one: f"{one[: life.MAX_NAME]}-{brought.row.id[-6:]}" for one in ids}
    there = _standing(session, sorted({*own, *own.values()}))
    taken = {ids[place] for place in brought.row.taken}
    return {
        one: own[one] if own[one] in there or (one in there and one not in taken) else one
        for one in ids
    }


def _standing(session: Session, names: Sequence[str]) -> set[str]:
    """Those of `names` that items of the bank have."""
    found = set[str]()
    for first in range(0, len(names), _ASKED_AT_ONCE):
        some = names[first : first + _ASKED_AT_ONCE]
        found |= set(session.exec(select(StoredItem.name).where(col(StoredItem.name).in_(some))))
    return found


def drafts_of(session: Session, officer: Officer, brought: Brought) -> list[str]:
    """The items that were made of a file and are first drafts still, of those that may be seen."""
    made, scope = sorted(brought.row.made.values()), rights_of(session, officer).scope()
    found = list[str]()
    for first in range(0, len(made), _ASKED_AT_ONCE):
        found += session.exec(
            select(ItemCard.item_id).where(
                scope,
                col(ItemCard.item_id).in_(made[first : first + _ASKED_AT_ONCE]),
                ItemCard.version == 1,
                ItemCard.state == State.DRAFT,
            )
        )
    return found


def address(import_id: str, place: int) -> str:
    """Where a page shows the item at `place`."""
    return f"/bank/imports/{import_id}?page={place // PAGE + 1}#item-{place}"


def recent(session: Session, officer: Officer) -> Sequence[ItemImport]:
    """The files that `officer` brought, newest first."""
    return session.exec(
        select(ItemImport)
        .where(ItemImport.staff_id == officer.id)
        .order_by(col(ItemImport.at).desc())
        .limit(SHOWN)
    ).all()


def beside(reading: Reading) -> tuple[dict[int, list[Problem]], list[Problem]]:
    """Problems by the place of the item that they speak of, and those of no item that was taken.

    A problem speaks of an item where its file, element or message names the item's id, or where it
    lies between that item's beginning and the next thing in its file.
    """
    begins = _beginnings(reading)
    places = {item.id: place for place, item in reversed(list(enumerate(reading.items)))}
    of_item: dict[int, list[Problem]] = {}
    rest = []
    for problem in reading.problems:
        place = _named(problem, places)
        if place is None:
            place = _around(problem, begins)
        if place is None:
            rest.append(problem)
        else:
            of_item.setdefault(place, []).append(problem)
    return of_item, rest


def _beginnings(reading: Reading) -> dict[str, list[tuple[int, int | None]]]:
    """(line, place of the item that begins there) by file, in order; None: what is no item."""
    places = {item.id: place for place, item in enumerate(reading.items)}
    begins: dict[str, list[tuple[int, int | None]]] = {}
    for name, line in reading.lines.items():
        begins.setdefault(reading.files.get(name, ""), []).append((line, places.get(name)))
    return {file: sorted(one, key=lambda begin: begin[0]) for file, one in begins.items()}


def _around(problem: Problem, begins: dict[str, list[tuple[int, int | None]]]) -> int | None:
    if problem.line is None:
        return None
    in_file = begins.get(problem.file, begins.get("", []))
    before = [place for line, place in in_file if line <= problem.line]
    return before[-1] if before else None


def _named(problem: Problem, places: Mapping[str, int]) -> int | None:
    words = set(re.findall(r"[\w.-]+", f"{problem.file} {problem.element} {problem.message}"))
    words |= {word.rpartition(".")[0] for word in words}
    return min((places[word] for word in words if word in places), default=None)
