"""Work on many items at once: begun, carried on in small transactions, and undone for a day.

Every item is judged by itself, by the same rules as on its own page. A job that a stopped server
left is carried on where it stood; two that carry it on take turns.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy.engine import Engine
from sqlmodel import Session, col, select

from exam_server import audit, db
from exam_server.auth import Officer
from exam_server.db import new_id
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import bulk_files, history, keeping, life, texts
from exam_server.items.bulk_models import BankJob, BankJobItem, ItemTag, Outcome, Task
from exam_server.items.models import Act, ItemCard
from exam_server.items.models import Item as StoredItem
from exam_server.items.rights import rights_of
from exam_server.sealing import Sealed, Sealing
from question_bank.interchange.formats import WRITERS
from question_bank.lifecycle import Action, State

CHUNK = 20
MOST = 10_000
UNDO_FOR = timedelta(hours=24)
SHOWN = 30
MAX_TAG = 60


@dataclass(frozen=True, slots=True)
class Value:
    """What a task needs: where to move to, which tag, why, or in which format (of `WRITERS`) and
    in which order (of items' ids)."""

    subject: str = ""
    topic: str = ""
    tag: str = ""
    reason: str = ""
    form: str = ""
    order: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is."""

    job: BankJob
    counts: Counter[Outcome]
    refused: Sequence[tuple[str, str, str]]
    """(item's id, its name, the objection) of those that were refused or could not be undone"""

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def left(self) -> int:
        """How many are still to be done; of a job that is taken back, to be taken back."""
        return self.counts[Outcome.DONE if self.job.undone_at else Outcome.WAITING]

    @property
    def finished(self) -> bool:
        return not self.left

    def may_be_undone(self, now: datetime) -> bool:
        young = now - self.job.begun_at < UNDO_FOR
        fresh = self.job.undone_at is None and self.finished
        may_be_taken_back = self.job.task is not Task.EXPORT  # what is out is out
        return fresh and young and may_be_taken_back and self.counts[Outcome.DONE] > 0


def begin(
    session: Session,
    officer: Officer,
    task: Task,
    items: Iterable[str],
    value: Value,
    *,
    sealing: Sealing,
    now: datetime,
) -> str:
    """Writes down what is to be done; the job's id. Into a file items go in the order given."""
    chosen = list(dict.fromkeys(items))
    if not chosen:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "no item was chosen")
    most = bulk_files.MOST if task is Task.EXPORT else MOST
    if len(chosen) > most:
        raise NotPossibleError(Objection.TOO_MANY_ITEMS, f"at most {most} items at once")
    _check(task, value)
    if task is Task.EXPORT:
        value = Value(form=value.form, order=chosen)
        bulk_files.remove_old(session, now)
    rights = rights_of(session, officer)
    for item_id in chosen:
        keeping.card_of(session, rights, item_id)
    job_id = new_id()
    sealed = sealing.seal(Sealed.BANK_JOB, job_id, json.dumps(asdict(value)).encode())
    session.add(BankJob(id=job_id, staff_id=officer.id, task=task, value=sealed, begun_at=now))
    session.flush()
    session.add_all(
        BankJobItem(job_id=job_id, item_id=one, outcome=Outcome.WAITING, problem="")
        for one in chosen
    )
    session.flush()
    audit.record(
        session,
        actor=officer.actor,
        action="bank_job_begun",
        subject=f"bank_job:{job_id}",
        details={"task": task.value, "count": len(chosen)},
        now=now,
    )
    return job_id


def _check(task: Task, value: Value) -> None:
    if task is Task.RETIRE and not value.reason:
        raise NotPossibleError(Objection.REASON_MISSING, "say why")
    if task is Task.TAG and not 1 <= len(value.tag) <= MAX_TAG:
        raise NotPossibleError(Objection.BAD_VALUE, f"a tag has 1 to {MAX_TAG} characters")
    if task is Task.MOVE and not (value.subject or value.topic):
        raise NotPossibleError(Objection.BAD_VALUE, "say where to")
    if task is Task.EXPORT and value.form not in WRITERS:
        raise NotPossibleError(Objection.BAD_VALUE, "choose a format")


def job_of(session: Session, officer: Officer, job_id: str, *, lock: bool = False) -> BankJob:
    """A job of `officer`'s own; those of others do not exist. `lock`: who decides on it waits for
    who is before them."""
    job = session.get(BankJob, job_id, with_for_update=lock or None, populate_existing=lock)
    if job is None or job.staff_id != officer.id:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such work of yours")
    return job


def value_of(job: BankJob, sealing: Sealing) -> Value:
    return Value(**json.loads(sealing.unseal(Sealed.BANK_JOB, job.id, job.value)))


def progress(session: Session, job: BankJob) -> Progress:
    rows = session.exec(
        select(BankJobItem, StoredItem.name)
        .join(StoredItem, col(StoredItem.id) == BankJobItem.item_id)
        .where(BankJobItem.job_id == job.id)
        .order_by(StoredItem.name)
    ).all()
    counts = Counter(row.outcome for row, _ in rows)
    refused = [(row.item_id, name, row.problem) for row, name in rows if row.problem]
    return Progress(job, counts, refused)


def recent(session: Session, officer: Officer) -> Sequence[BankJob]:
    return session.exec(
        select(BankJob)
        .where(BankJob.staff_id == officer.id)
        .order_by(col(BankJob.begun_at).desc())
        .limit(SHOWN)
    ).all()


Work = Callable[["Turn", BankJobItem], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """One transaction's worth of a job."""

    session: Session
    officer: Officer
    job: BankJob
    value: Value
    sealing: Sealing
    now: datetime


def carry_on(
    engine: Engine,
    officer: Officer,
    job_id: str,
    *,
    sealing: Sealing,
    clock: Callable[[], datetime],
) -> None:
    """Does what is left of a job, or of taking it back, a few items in each transaction. What is
    to be a file is made one first, so that only what is in it is written down as taken out."""
    with db.reading(engine) as session:
        job = job_of(session, officer, job_id)
        value, undoing = value_of(job, sealing), job.undone_at is not None
        is_export = job.task is Task.EXPORT
    if is_export and not bulk_files.make(
        engine, officer, job_id, form=value.form, order=value.order, sealing=sealing, clock=clock
    ):
        return
    which, work = (Outcome.DONE, _take_back) if undoing else (Outcome.WAITING, _do)
    while _some(engine, officer, job_id, which, work, sealing, clock()):
        pass


def begin_undo(session: Session, officer: Officer, job_id: str, *, now: datetime) -> None:
    """Decides that a job is taken back; `carry_on` does it, where nobody has changed the item."""
    job = job_of(session, officer, job_id, lock=True)
    if not progress(session, job).may_be_undone(now):
        raise NotPossibleError(Objection.UNDO_OVER, "it is not finished, or was too long ago")
    job.undone_at = now
    session.add(job)
    audit.record(
        session,
        actor=officer.actor,
        action="bank_job_undone",
        subject=f"bank_job:{job_id}",
        details={"task": job.task.value},
        now=now,
    )


def _some(
    engine: Engine,
    officer: Officer,
    job_id: str,
    which: Outcome,
    work: Work,
    sealing: Sealing,
    now: datetime,
) -> bool:
    """A few items of the job; False where none is left."""
    with db.transaction(engine) as session:
        # Who holds the job's row goes on with it; another waits.
        job = session.exec(select(BankJob).where(BankJob.id == job_id).with_for_update()).one()
        rows = session.exec(
            select(BankJobItem)
            .where(BankJobItem.job_id == job_id, BankJobItem.outcome == which)
            .order_by(BankJobItem.item_id)
            .limit(CHUNK)
        ).all()
        turn = Turn(session, officer, job, value_of(job, sealing), sealing, now)
        for row in rows:
            work(turn, row)
            session.add(row)
        return bool(rows)


def _do(turn: Turn, row: BankJobItem) -> None:
    try:
        card = keeping.card_of(turn.session, rights_of(turn.session, turn.officer), row.item_id)
        row.before = _BEGINNINGS[turn.job.task](turn, card)
        row.outcome = Outcome.DONE
    except NotPossibleError as error:
        row.outcome, row.problem = Outcome.REFUSED, error.objection.value


def _step(turn: Turn, card: ItemCard, action: Action, text: str = "") -> dict[str, object]:
    row = life.target(turn.session, card, action)
    before, version = row.state.value, row.version
    life.step(
        turn.session, turn.officer, card.item_id, action, mark=row.digest.hex(), text=text,
        sealing=turn.sealing, now=turn.now,
    )  # fmt: skip
    return {"state": before, "version": version, "at": turn.now.isoformat()}


def _submit(turn: Turn, card: ItemCard) -> dict[str, object]:
    return _step(turn, card, Action.SUBMIT)


def _discard(turn: Turn, card: ItemCard) -> dict[str, object]:
    return _step(turn, card, Action.DISCARD)


def _retire(turn: Turn, card: ItemCard) -> dict[str, object]:
    return _step(turn, card, Action.RETIRE, turn.value.reason)


def _move(turn: Turn, card: ItemCard) -> dict[str, object]:
    before = {"subject": card.subject, "topic": card.topic}
    _place(turn, card, turn.value.subject or card.subject, turn.value.topic or card.topic)
    return dict(before)


def _place(turn: Turn, card: ItemCard, subject: str, topic: str) -> None:
    if (card.subject, card.topic) == (subject, topic):
        raise NotPossibleError(Objection.NOTHING_TO_DO, "it stands there already")
    if not rights_of(turn.session, turn.officer).cover(subject, secret=card.secret):
        raise NotPossibleError(Objection.ROLE_MISSING, "this subject is not among yours")
    card.subject, card.topic, card.changed_at = subject, topic, turn.now
    turn.session.add(card)
    turn.session.flush()
    opened = keeping.read(turn.session, card, sealing=turn.sealing)
    texts.keep(turn.session, card, opened.name, opened.item, turn.sealing)
    history.note(
        turn.session, card, Act.MOVED, turn.officer, sealing=turn.sealing, now=turn.now,
        text=" · ".join(filter(None, (subject, topic))),
    )  # fmt: skip


def _tag(turn: Turn, card: ItemCard) -> dict[str, object]:
    if turn.session.get(ItemTag, (turn.value.tag, card.item_id)) is not None:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "it has this tag already")
    turn.session.add(ItemTag(tag=turn.value.tag, item_id=card.item_id))
    history.note(
        turn.session, card, Act.TAGGED, turn.officer, sealing=turn.sealing, now=turn.now,
        text=turn.value.tag,
    )  # fmt: skip
    return {}


def _export(turn: Turn, card: ItemCard) -> dict[str, object]:
    version = bulk_files.held_version(turn.session, turn.officer, turn.job.id, card, now=turn.now)
    history.note(
        turn.session, card, Act.EXPORTED, turn.officer, sealing=turn.sealing, now=turn.now,
        version=version,
    )  # fmt: skip
    return {"version": version}


_BEGINNINGS: dict[Task, Callable[[Turn, ItemCard], dict[str, object]]] = {
    Task.SUBMIT: _submit,
    Task.DISCARD: _discard,
    Task.RETIRE: _retire,
    Task.MOVE: _move,
    Task.TAG: _tag,
    Task.EXPORT: _export,
}


def _take_back(turn: Turn, row: BankJobItem) -> None:
    try:
        card = keeping.card_of(turn.session, rights_of(turn.session, turn.officer), row.item_id)
        _ENDINGS[turn.job.task](turn, card, row.before or {})
        row.outcome = Outcome.UNDONE
    except NotPossibleError as error:
        row.outcome, row.problem = Outcome.STAYS, error.objection.value


def _still(turn: Turn, card: ItemCard, before: dict[str, object], state: State) -> int:
    """The version, where it still is what the job made of it."""
    version, at = int(str(before["version"])), before.get("at")
    row = keeping.version_row(turn.session, card.item_id, version)
    # A draft is written in where it stands, and may be here again by another way; behind it a
    # retired version stays what it is.
    apart = state is State.RETIRED and card.version != version
    moved = at is not None and card.changed_at != datetime.fromisoformat(str(at))
    if row.state is not state or (moved and not apart):
        raise NotPossibleError(Objection.CHANGED_MEANWHILE, "the item has gone on since")
    return version


def _withdraw(turn: Turn, card: ItemCard, before: dict[str, object]) -> None:
    _still(turn, card, before, State.REVIEW)
    _step(turn, card, Action.WITHDRAW)


def _restore(turn: Turn, card: ItemCard, before: dict[str, object]) -> None:
    version = _still(turn, card, before, State.RETIRED)
    life.restore(
        turn.session, turn.officer, card, version,
        in_use=before["state"] == State.IN_USE.value, sealing=turn.sealing, now=turn.now,
    )  # fmt: skip


def _restore_draft(turn: Turn, card: ItemCard, before: dict[str, object]) -> None:
    version = _still(turn, card, before, State.DISCARDED)
    life.restore(
        turn.session, turn.officer, card, version, in_use=False,
        sealing=turn.sealing, now=turn.now,
    )  # fmt: skip


def _move_back(turn: Turn, card: ItemCard, before: dict[str, object]) -> None:
    value = turn.value
    moved = (value.subject or before["subject"], value.topic or before["topic"])
    if (card.subject, card.topic) != moved:
        raise NotPossibleError(Objection.CHANGED_MEANWHILE, "the item has gone on since")
    _place(turn, card, str(before["subject"]), str(before["topic"]))


def _untag(turn: Turn, card: ItemCard, _before: dict[str, object]) -> None:
    tag = turn.session.get(ItemTag, (turn.value.tag, card.item_id))
    if tag is None:
        raise NotPossibleError(Objection.CHANGED_MEANWHILE, "the tag is gone")
    turn.session.delete(tag)
    history.note(
        turn.session, card, Act.UNTAGGED, turn.officer, sealing=turn.sealing, now=turn.now,
        text=turn.value.tag,
    )  # fmt: skip


_ENDINGS: dict[Task, Callable[[Turn, ItemCard, dict[str, object]], None]] = {
    Task.SUBMIT: _withdraw,
    Task.DISCARD: _restore_draft,
    Task.RETIRE: _restore,
    Task.MOVE: _move_back,
    Task.TAG: _untag,
}
