"""One file of many items: judged one by one, written apart, kept sealed until it is taken, once.

An item goes into it under the rules of its own page (`exports.way_out`): a secret one by a wish of
its own that another person granted. The file is nobody's but who asked for it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session, col, select

from exam_server import audit, db
from exam_server.auth import Officer
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import apart, exports, keeping, writing_apart
from exam_server.items.bulk_models import BankFile, BankJob, BankJobItem, Outcome
from exam_server.items.exports import Taken, WayOut
from exam_server.items.models import ItemCard
from exam_server.items.rights import rights_of
from exam_server.items.writing_apart import Written
from exam_server.sealing import Sealed, Sealing
from question_bank.interchange.formats import WRITERS
from question_bank.interchange.problems import Problem
from question_bank.item import Item

#: A file is made in minutes and in little memory; more items are several files.
MOST = 500
KEPT_FOR = timedelta(hours=24)


@dataclass(slots=True)
class _Chosen:
    """What may go into a file: item's id → the item as it leaves, in the order that was asked
    for; and why the others may not."""

    items: dict[str, Item] = field(default_factory=dict)
    refused: dict[str, Objection] = field(default_factory=dict)

    def refuse_all(self, objection: Objection) -> None:
        self.refused |= dict.fromkeys(self.items, objection)
        self.items = {}


def make(
    engine: Engine,
    officer: Officer,
    job_id: str,
    *,
    form: str,
    order: Sequence[str],
    sealing: Sealing,
    clock: Callable[[], datetime],
) -> bool:
    """Makes the file of a job that has none; True where it is made (by whomever, and be it gone
    since), and its items wait to be written down as taken out, as far as `held_version` lets them.
    False: it is not made now (another one is, or the server stops), or not at all, and the job's
    items say why."""
    with db.transaction(engine) as session:
        remove_old(session, clock())
        if _was_made(session, job_id):
            return True
    with db.reading(engine) as session:
        chosen = _choose(session, officer, _waiting(session, job_id, order), sealing)
    written = Written(b"", (), ())
    if chosen.items:
        try:
            written = writing_apart.write_apart(list(chosen.items.values()), form)
        except (writing_apart.BusyError, apart.StoppedError):
            return False
        except apart.TooMuchError:
            chosen.refuse_all(Objection.NOT_WRITTEN)
        except apart.BrokenOffError:
            chosen.refuse_all(Objection.WRITER_FAILED)
    ids = {item.id: item_id for item_id, item in chosen.items.items()}
    chosen.refused |= {ids[name]: Objection.NOT_CARRIED for name in written.refused}
    with db.transaction(engine) as session:
        return _keep(session, job_id, chosen, written, sealing=sealing, now=clock())


def _was_made(session: Session, job_id: str) -> bool:
    """One that is gone counts where something was written down as taken out in it: another one
    would lack that and not say so."""
    return session.get(BankFile, job_id) is not None or bool(_those(session, job_id, Outcome.DONE))


def _those(session: Session, job_id: str, outcome: Outcome) -> set[str]:
    """The ids of the job's items that stand so."""
    rows = select(BankJobItem.item_id).where(
        BankJobItem.job_id == job_id, BankJobItem.outcome == outcome
    )
    return set(session.exec(rows))


def _waiting(session: Session, job_id: str, order: Sequence[str]) -> list[str]:
    waiting = _those(session, job_id, Outcome.WAITING)
    return [one for one in order if one in waiting]


def _choose(session: Session, officer: Officer, asked: Sequence[str], sealing: Sealing) -> _Chosen:
    rights, chosen = rights_of(session, officer), _Chosen()
    for item_id in asked:
        try:
            card = keeping.card_of(session, rights, item_id)
            version = exports.way_out(session, officer, card).version
            opened = keeping.read(session, card, sealing=sealing, version=version)
            chosen.items[item_id] = opened.item
        except NotPossibleError as error:
            chosen.refused[item_id] = error.objection
    return chosen


def _keep(
    session: Session,
    job_id: str,
    chosen: _Chosen,
    written: Written,
    *,
    sealing: Sealing,
    now: datetime,
) -> bool:
    session.get_one(BankJob, job_id, with_for_update=True)
    # Carried on twice: the first has made it, and it may have been taken since.
    judged = {*chosen.items, *chosen.refused}
    if _was_made(session, job_id) or judged - _those(session, job_id, Outcome.WAITING):
        return True
    for item_id, objection in chosen.refused.items():
        row = session.get_one(BankJobItem, (job_id, item_id))
        row.outcome, row.problem = Outcome.REFUSED, objection.value
        session.add(row)
    held = {one: item.version for one, item in chosen.items.items() if one not in chosen.refused}
    if held:
        problems = json.dumps([one.to_plain() for one in written.problems]).encode()
        session.add(
            BankFile(
                job_id=job_id,
                made_at=now,
                held=held,
                problems=sealing.seal(Sealed.BANK_FILE, f"{job_id}/problems", problems),
                data=sealing.seal(Sealed.BANK_FILE, f"{job_id}/data", written.data),
            )
        )
    session.flush()
    return bool(held)


def held_version(
    session: Session, officer: Officer, job_id: str, card: ItemCard, *, now: datetime
) -> int:
    """The version of an item that the file holds, where it may still leave in it; FILE_OUTDATED
    where it may not, or the file is gone."""
    row = _lying(session, job_id, now)
    if row is None:
        raise NotPossibleError(Objection.FILE_OUTDATED, "the file is there no more; export again")
    version = row.held[card.item_id]
    _way_out(session, officer, card, version)
    return version


def _lying(session: Session, job_id: str, now: datetime) -> BankFile | None:
    row = session.get(BankFile, job_id)
    return row if row is not None and now - row.made_at < KEPT_FOR else None


def _way_out(
    session: Session, officer: Officer, card: ItemCard, version: int, *, lock: bool = False
) -> WayOut:
    """As `exports.way_out`; FILE_OUTDATED where that version may not leave any more."""
    try:
        way = exports.way_out(session, officer, card, lock=lock)
    except NotPossibleError:
        way = None
    if way is None or not way.allows(version):
        raise NotPossibleError(Objection.FILE_OUTDATED, "an item of it may not leave any more")
    return way


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that waits to be taken, as its page shows it. `whole`: every item in it is written
    down as taken out, and nothing stands against it."""

    problems: tuple[Problem, ...]
    count: int
    whole: bool
    until: datetime


def kept(session: Session, job: BankJob, *, sealing: Sealing, now: datetime) -> Kept | None:
    """None where there is none, or none any more."""
    row = _lying(session, job.id, now)
    if row is None:
        return None
    return Kept(
        _problems(row, sealing), len(row.held), _whole(session, row), row.made_at + KEPT_FOR
    )


def _problems(row: BankFile, sealing: Sealing) -> tuple[Problem, ...]:
    told = sealing.unseal(Sealed.BANK_FILE, f"{row.job_id}/problems", row.problems)
    return tuple(Problem(**one) for one in json.loads(told))


def _whole(session: Session, row: BankFile) -> bool:
    return set(row.held) <= _those(session, row.job_id, Outcome.DONE)


def take(
    session: Session, officer: Officer, job: BankJob, form: str, *, sealing: Sealing, now: datetime
) -> Taken:
    """The file of a job of `officer`'s own (which is locked), once: it is kept no longer, and the
    wishes that its secret items left by are used up. NotPossibleError where one of its items may
    not leave any more."""
    row = _lying(session, job.id, now)
    if row is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such file, or none any more")
    if not _whole(session, row):
        raise NotPossibleError(Objection.FILE_OUTDATED, "an item of it may not leave any more")
    _use_up(session, officer, row.held, now)
    writer = WRITERS[form]
    name = f"cau-hoi-{job.begun_at:%Y-%m-%d}-{job.id[:6]}"
    data = sealing.unseal(Sealed.BANK_FILE, f"{job.id}/data", row.data)
    taken = Taken(name, writer.suffix, writer.mime, data, _problems(row, sealing))
    count = len(row.held)
    session.delete(row)
    session.flush()
    audit.record(
        session,
        actor=officer.actor,
        action="bank_file_taken",
        subject=f"bank_job:{job.id}",
        details={"format": form, "count": count},
        now=now,
    )
    return taken


def _use_up(session: Session, officer: Officer, held: Mapping[str, int], now: datetime) -> None:
    """Looks at every item's right to leave once more, and ends the wishes."""
    seen = select(ItemCard).where(
        col(ItemCard.item_id).in_(held), rights_of(session, officer).scope()
    )
    cards = session.exec(seen.execution_options(populate_existing=True)).all()
    for card in cards:
        way = _way_out(session, officer, card, held[card.item_id], lock=True)
        if way.wish is not None:
            way.wish.taken_at = now
            session.add(way.wish)
    if len(cards) != len(held):
        raise NotPossibleError(Objection.FILE_OUTDATED, "an item of it may not be seen any more")


def remove_old(session: Session, now: datetime) -> None:
    """Files that nobody took are kept for no longer than `KEPT_FOR`."""
    session.exec(sa.delete(BankFile).where(col(BankFile.made_at) <= now - KEPT_FOR))
