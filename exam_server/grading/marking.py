"""Marks that people give: each one kept, logged, and counted at once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from exam_server import audit
from exam_server.attempts.models import Attempt
from exam_server.auth import Officer
from exam_server.errors import NotPossibleError, Objection
from exam_server.forms.models import Form
from exam_server.grading.by_people import counting, markings, response_of, rule_of
from exam_server.grading.marking_answers import Answer, marking_row, sign_of
from exam_server.grading.marking_rule import MarkingRule
from exam_server.grading.models import ItemScore, Marking
from exam_server.grading.service import mark_anew
from exam_server.keys import ServerKeys
from exam_server.results.publication import require_unpublished
from exam_server.sealing import Sealed, Sealing
from exam_server.shards import anywhere

MAX_REMARK = 1000
HUNDREDTHS = -2


def lock_all(session: Session, answers: Iterable[Answer]) -> None:
    """Takes the attempts of many answers at once, in one order, before the first mark: who wrote
    to the log must wait for nobody any more, or two who mark wait for each other."""
    for attempt in sorted({one.attempt_id for one in answers}):
        anywhere(session, Attempt, attempt, lock=True)


def give(
    session: Session,
    officer: Officer,
    answer: Answer,
    points: Decimal,
    remark: str,
    *,
    read: str,
    keys: ServerKeys,
    now: datetime,
) -> None:
    """Keeps this person's mark, or changes it while no third person had to decide, and marks the
    attempt anew. `read` is the sign of the text that the mark is of (`Written.read`).
    NotPossibleError for points beyond the item's, for a published result, and where another text
    than the one read stands there now."""
    attempt = anywhere(session, Attempt, answer.attempt_id, lock=True)
    if attempt is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such attempt")
    require_unpublished(session, attempt)
    score = session.get(ItemScore, (attempt.centre_id, attempt.id, answer.presented_id))
    response = None if score is None else response_of(score, keys.sealing)
    if score is None or response is None or sign_of(response, keys.sealing) != read:
        raise NotPossibleError(
            Objection.ANSWER_CHANGED, f"{answer.code}: another text than the one read stands there"
        )
    if not is_mark(points, score.for_people):
        raise NotPossibleError(Objection.BAD_VALUE, f"{answer.code}: {points} points are too many")
    rule, digest = _rule(session, attempt), keys.sealing.content_digest(response)
    marks = markings(session, attempt).get(answer.presented_id, [])
    own = next((one for one in marks if one.staff_id == officer.id), None)
    if _is_closed(counting(marks, digest), own, rule):
        raise NotPossibleError(Objection.WRONG_STATE, f"{answer.code} has its marks already")
    last = max((one.place for one in marks), default=0) + 1
    if own is None:
        own = Marking(
            centre_id=attempt.centre_id, attempt_id=attempt.id, presented_id=answer.presented_id,
            place=last, staff_id=officer.id, points=points, answer=digest, remark=b"",
            given_at=now,
        )  # fmt: skip
    elif own.answer != digest:
        own.place = last  # their mark of another text gave them no turn at this one
    own.points, own.answer, own.given_at = points, digest, now
    plain = remark[:MAX_REMARK].encode()
    own.remark = keys.sealing.seal(Sealed.MARK_REMARK, marking_row(own), plain)
    session.add(own)
    session.flush()
    audit.record(
        session,
        actor=officer.actor,
        action="answer_marked",
        subject=f"attempt:{attempt.id}",
        details={"place": own.place, "digest": _proof(own, answer.code, keys.sealing)},
        now=now,
    )
    mark_anew(session, attempt, officer=officer, keys=keys, now=now)


def _proof(row: Marking, code: str, sealing: Sealing) -> str:
    """What proves to whom has the server's keys that this very mark was given; it tells nobody
    else the code or the points, which beside the attempt would say whose answer it was."""
    return sealing.content_digest(f"{marking_row(row)}/{code}/{row.points}".encode()).hex()


def _is_closed(valid: Sequence[Marking], own: Marking | None, rule: MarkingRule) -> bool:
    """Whether this person may not mark (any more): others have done, or a third person decided."""
    if own in valid:
        return len(valid) > rule.markers and own is not valid[-1]
    return rule.settled([one.points for one in valid]) is not None


def _rule(session: Session, attempt: Attempt) -> MarkingRule:
    return rule_of(session, session.get_one(Form, attempt.form_id))


def is_mark(points: Decimal, maximum: Decimal) -> bool:
    """From 0 to the maximum, in hundredths at most."""
    exponent = points.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent >= HUNDREDTHS and 0 <= points <= maximum
