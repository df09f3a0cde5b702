"""Which answers wait for whose mark, without a name: counted, listed and opened.

Lists open no answer but those that the asking person has marked: whether that mark was of the text
that stands, only the text tells.
"""

import json
from base64 import b32encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, and_, col, select

from exam_server.attempts.models import Attempt
from exam_server.auth import Officer
from exam_server.errors import NotPossibleError, Objection
from exam_server.forms.models import Form, Paper
from exam_server.grading.by_people import response_of, unsealed_response
from exam_server.grading.models import ItemScore, Marking
from exam_server.items import history, keeping
from exam_server.items.models import Act, ItemCard, ItemVersion
from exam_server.items.rights import rights_of
from exam_server.results.models import PaperResult
from exam_server.sealing import Derived, Sealed, Sealing
from exam_server.shards import anywhere
from exam_server.shifts.models import Shift
from question_bank.content import plain_text
from question_bank.item import Item

CODE_BYTES = 5
READ_BYTES = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that waits for a mark of this person, or has it. `code` is all that is told of
    whose it is; `version_id` is the item's, `secret` whether it is a secret one now. `given` is
    this person's own mark of the text that stands."""

    code: str
    attempt_id: str
    presented_id: str
    paper: str
    version_id: str
    secret: bool
    maximum: Decimal
    given: Decimal | None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and this person's own remark to it. `read` stands for the text: what
    forms and sheets bring back with a mark (`sign_of`)."""

    text: str
    remark: str
    read: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many answers of a shift this person has marked, and how many wait for their mark."""

    given: int
    to_mark: int


def counts(session: Session, officer: Officer, *, sealing: Sealing) -> dict[str, Count]:
    """By shift, of those where this person has something to mark or to change."""
    nobodys = (
        _chosen(session, officer, sa.func.count())
        .where(_AWAITED, col(Marking.staff_id).is_(None))
        .add_columns(col(Attempt.shift_id))
        .group_by(col(Attempt.shift_id))
    )
    waiting = Counter({shift: number for number, shift in session.execute(nobodys)})
    given = Counter[str]()
    marked = _chosen(session, officer, *_COLUMNS).where(col(Marking.staff_id).is_not(None))
    for row in session.execute(marked):
        answer = _answer(row, "", sealing)
        if answer is not None:
            (waiting if answer.given is None else given)[row.shift_id] += 1
    return {shift: Count(given[shift], waiting[shift]) for shift in given | waiting}


def answers_for(
    session: Session, officer: Officer, shift_id: str, *, sealing: Sealing
) -> list[Answer]:
    """In the order of their codes, which says nothing of rooms and seats. Other people's marks
    are not told; whether a second or third one is asked for is not either."""
    rows = _of_shift(session, officer, shift_id)
    found = (_answer(row, _code(row, sealing), sealing) for row in rows)
    return sorted((one for one in found if one is not None), key=lambda answer: answer.code)


def find(
    session: Session, officer: Officer, shift_id: str, code: str, *, sealing: Sealing
) -> Answer:
    """NotPossibleError where this person has no such answer to mark."""
    for row in _of_shift(session, officer, shift_id):
        if _code(row, sealing) == code and (found := _answer(row, code, sealing)) is not None:
            return found
    raise NotPossibleError(Objection.NOT_FOUND, f"there is no answer {code[:12]} to mark")


def next_code(session: Session, officer: Officer, shift_id: str, *, sealing: Sealing) -> str | None:
    """The first answer that waits for this person's mark."""
    answers = answers_for(session, officer, shift_id, sealing=sealing)
    return next((one.code for one in answers if one.given is None), None)


def written(
    session: Session, officer: Officer, answers: Iterable[Answer], sealing: Sealing
) -> dict[str, Written]:
    """Opens answers; by code."""
    by_row = {(one.attempt_id, one.presented_id): one for one in answers}
    attempts = sorted({attempt for attempt, _ in by_row})
    own = (col(Marking.attempt_id).in_(attempts), col(Marking.staff_id) == officer.id)
    remarks = {
        (row.attempt_id, row.presented_id): unsealed_remark(row, sealing)
        for row in session.exec(select(Marking).where(*own))
    }
    opened = {}
    for score in session.exec(select(ItemScore).where(col(ItemScore.attempt_id).in_(attempts))):
        row = (score.attempt_id, score.presented_id)
        response = response_of(score, sealing) if row in by_row else None
        if response is not None:
            answer = by_row[row]
            remark = "" if answer.given is None else remarks[row]
            text = words_of(json.loads(response))
            opened[answer.code] = Written(text, remark, sign_of(response, sealing))
    return opened


def item_of(session: Session, answer: Answer, sealing: Sealing) -> Item:
    """The item that was answered, with its guidance for markers (`explanation`), without a word
    in the log: of a secret one `note_seen` comes first."""
    return keeping.unsealed(session.get_one(ItemVersion, answer.version_id), sealing)


def note_seen(
    session: Session, officer: Officer, answer: Answer, *, sealing: Sealing, now: datetime
) -> None:
    """Writes down that `officer` opens the item of an answer."""
    row = session.get_one(ItemVersion, answer.version_id)
    rights = rights_of(session, officer, to_mark=True)
    card = keeping.card_of(session, rights, row.item_id, lock=True)
    history.note(session, card, Act.SEEN, officer, sealing=sealing, now=now, version=row.version)


def seen_lately(session: Session, officer: Officer, answer: Answer, now: datetime) -> bool:
    """Whether it stands in the log that `officer` has just opened the item."""
    item = session.get_one(ItemVersion, answer.version_id).item_id
    return history.seen_lately(session, officer, item, now)


def question_words(session: Session, answers: Iterable[Answer], sealing: Sealing) -> dict[str, str]:
    """The words of each item by its version; those of secret ones are left out, as whoever sees
    them is written down."""
    opened = {one.version_id: one for one in answers if not one.secret}
    return {name: plain_text(item_of(session, one, sealing).stem) for name, one in opened.items()}


def code_of(attempt_id: str, presented_id: str, sealing: Sealing) -> str:
    """Eight signs that nobody can trace to a candidate without the server's keys."""
    drawn = sealing.derive(Derived.MARKING_CODE, attempt_id, presented_id)
    letters = b32encode(drawn[:CODE_BYTES]).decode()
    return f"{letters[:4]}-{letters[4:]}"


def sign_of(response: bytes, sealing: Sealing) -> str:
    """Sixteen signs for one text, by which a mark tells which text was read. Letters and digits
    of base 32, for spreadsheets take a digest in hexadecimal for a number and round it."""
    return b32encode(sealing.content_digest(response)[:READ_BYTES]).decode()


def words_of(plain: Mapping[str, Any]) -> str:
    """What was written; of several parts, each on its own line."""
    match plain:
        case {"text": str(text)}:
            return text
        case {"parts": dict(parts)}:
            return "\n".join(words_of(part) for part in parts.values())
        case _:
            return json.dumps(plain, ensure_ascii=False)


def unsealed_remark(row: Marking, sealing: Sealing) -> str:
    return sealing.unseal(Sealed.MARK_REMARK, marking_row(row), row.remark).decode()


def marking_row(row: Marking) -> str:
    """The name of the row for sealing."""
    return f"{row.attempt_id}/{row.presented_id}/{row.staff_id}"


def _nonzero(column: Any) -> sa.ColumnElement[bool]:
    """Of a decimal that is kept as its text."""
    return sa.cast(sa.type_coerce(col(column), sa.String()), sa.Numeric()) != 0


_AWAITED = _nonzero(ItemScore.awaiting)
_MARKED = col(Marking.staff_id).is_not(None)
_COLUMNS = (
    col(Attempt.shift_id), col(ItemScore.attempt_id), col(ItemScore.presented_id),
    col(ItemScore.item_version_id), col(ItemScore.for_people), _AWAITED.label("awaited"),
    col(Paper.name), col(ItemCard.secret), col(Marking.points), col(Marking.answer),
    # Only of what was marked the text is needed, to see whether it is still the same.
    sa.case((_MARKED, col(ItemScore.response))).label("response"),
)  # fmt: skip


def _chosen(session: Session, officer: Officer, *columns: Any) -> sa.Select[Any]:
    """The answers, not published yet, of items that `officer` may mark, beside their own marks."""
    return (
        sa.select(*columns)
        .select_from(ItemScore)
        .join(Attempt, _same(Attempt, Attempt.id))
        .join(Form, col(Form.id) == Attempt.form_id)
        .join(Paper, col(Paper.id) == Form.paper_id)
        .join(ItemVersion, col(ItemVersion.id) == ItemScore.item_version_id)
        .join(ItemCard, col(ItemCard.item_id) == ItemVersion.item_id)
        .outerjoin(PaperResult, _same(PaperResult, PaperResult.attempt_id))
        .outerjoin(
            Marking,
            and_(
                _same(Marking, Marking.attempt_id),
                col(Marking.presented_id) == ItemScore.presented_id,
                col(Marking.staff_id) == officer.id,
            ),
        )
        .where(
            rights_of(session, officer, to_mark=True).scope(),
            _nonzero(ItemScore.for_people),
            col(ItemScore.response).is_not(None),
            col(PaperResult.published_at).is_(None),
            _AWAITED | _MARKED,
        )
    )


def _same(kind: Any, attempt: Any) -> sa.ColumnElement[bool]:
    """Rows of the attempt that an item's score is of."""
    return and_(col(kind.centre_id) == ItemScore.centre_id, col(attempt) == ItemScore.attempt_id)


def _of_shift(session: Session, officer: Officer, shift_id: str) -> Sequence[sa.Row[Any]]:
    shift = anywhere(session, Shift, shift_id)
    if shift is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such shift")
    chosen = _chosen(session, officer, *_COLUMNS).where(
        col(Attempt.centre_id) == shift.centre_id, col(Attempt.shift_id) == shift.id
    )
    return session.execute(chosen).all()


def _code(row: sa.Row[Any], sealing: Sealing) -> str:
    return code_of(row.attempt_id, row.presented_id, sealing)


def _answer(row: sa.Row[Any], code: str, sealing: Sealing) -> Answer | None:
    """None where this person marked another text, and others have done with the one that stands."""
    given = None
    if row.response is not None:
        text = unsealed_response(row.attempt_id, row.presented_id, row.response, sealing)
        given = row.points if sealing.content_digest(text) == row.answer else None
    if given is None and not row.awaited:
        return None
    return Answer(
        code, row.attempt_id, row.presented_id, row.name, row.item_version_id, row.secret,
        row.for_people, given,
    )  # fmt: skip
