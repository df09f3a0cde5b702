"""Grading: records opened, responses derived, scored with keys that exist here alone."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts import handing_in, journal
from exam_server.attempts.models import Attempt
from exam_server.audit import Actor
from exam_server.contract.api import AttemptState, ShiftState
from exam_server.contract.errors import ContractError
from exam_server.errors import NotPossibleError, Objection, ServerError
from exam_server.forms import service as forms
from exam_server.forms.models import Form
from exam_server.grading.models import ItemScore
from exam_server.items import service as items
from exam_server.keys import ServerKeys
from exam_server.results.models import PaperResult
from exam_server.sealing import Sealed, Sealing
from exam_server.shifts.models import Shift
from question_bank.assembly import FormMapping
from question_bank.errors import QuestionBankError, ScoringError
from question_bank.package import PresentedForm
from question_bank.response import Response
from question_bank.scoring import PaperScore, score_form


@dataclass(frozen=True, slots=True)
class GradeReport:
    """What became of a shift's attempts. `waiting` are still being written."""

    graded: int
    unchanged: int
    waiting: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Marks:
    """The computed marks of one attempt, not yet stored."""

    result: PaperResult
    scores: list[ItemScore]
    problems: list[str]


def grade_shift(
    session: Session,
    shift_id: str,
    *,
    officer: Actor,
    keys: ServerKeys,
    grace: timedelta,
    now: datetime,
) -> GradeReport:
    """Marks every attempt of the shift that is closed; those whose time was up are closed first.

    Grading again gives the same marks to the bit; where it does not, the log holds both.
    """
    shift = session.get(Shift, shift_id)
    if shift is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such shift")
    if shift.state not in (ShiftState.STARTED, ShiftState.CLOSED):
        raise NotPossibleError(Objection.WRONG_STATE, "the shift has not been started")
    waiting = handing_in.close_overdue(session, shift.id, keys=keys, grace=grace, now=now)
    graded = unchanged = 0
    problems: list[str] = []
    for attempt in session.exec(
        select(Attempt)
        .where(Attempt.shift_id == shift.id, Attempt.state == AttemptState.SUBMITTED)
        .order_by(col(Attempt.id))
    ).all():
        try:
            marks = compute(session, attempt, keys=keys, now=now)
        except (ContractError, QuestionBankError, ServerError) as error:
            problems.append(f"attempt {attempt.id}: {error}")
            continue
        problems.extend(marks.problems)
        if _store(session, marks, officer=officer, sealing=keys.sealing, now=now):
            graded += 1
        else:
            unchanged += 1
    audit.record(
        session,
        actor=officer.actor,
        action="shift_graded",
        subject=f"shift:{shift.id}",
        details={"graded": graded, "unchanged": unchanged, "problems": len(problems)},
        now=now,
    )
    return GradeReport(graded, unchanged, waiting, tuple(problems))


def compute(session: Session, attempt: Attempt, *, keys: ServerKeys, now: datetime) -> _Marks:
    """The marks of a closed attempt from its records alone; stores nothing."""
    form = session.get_one(Form, attempt.form_id)
    mapping = forms.mapping_of(form, keys.sealing)
    shown = forms.presented(form, keys.sealing)
    versions = [(mapped.item_id, mapped.version) for mapped in mapping.items.values()]
    bank = items.load(session, versions, sealing=keys.sealing)
    given = journal.final_responses(session, attempt, keys)
    responses, problems = _fitting(attempt, mapping, given)
    paper = score_form(mapping, [item for _, item in bank.values()], responses)
    stored_ids = {version: row_id for version, (row_id, _) in bank.items()}
    return _Marks(
        result=PaperResult(
            attempt_id=attempt.id,
            centre_id=attempt.centre_id,
            total=paper.total,
            maximum=paper.maximum,
            scorer_version=paper.scorer_version,
            head=attempt.head,
            graded_at=now,
        ),
        scores=_scores(attempt, shown, mapping, stored_ids, paper, responses, keys.sealing),
        problems=problems,
    )


def _fitting(
    attempt: Attempt, mapping: FormMapping, given: dict[str, Response]
) -> tuple[dict[str, Response], list[str]]:
    """The responses that belong to the form. Others earn nothing and are named, not hidden."""
    responses, problems = {}, []
    for presented_id, response in given.items():
        try:
            mapping.to_bank(presented_id, response)
        except ScoringError as error:
            problems.append(f"attempt {attempt.id}: {error}")
        else:
            responses[presented_id] = response
    return responses, problems


def _scores(
    attempt: Attempt,
    shown: PresentedForm,
    mapping: FormMapping,
    stored_ids: dict[tuple[str, int], str],
    paper: PaperScore,
    responses: dict[str, Response],
    sealing: Sealing,
) -> list[ItemScore]:
    scores = []
    for part_number, part in enumerate(shown.parts, start=1):
        for item in part.items:
            mapped, mark = mapping.items[item.id], paper.scores[item.id]
            response = responses.get(item.id)
            scores.append(
                ItemScore(
                    attempt_id=attempt.id,
                    presented_id=item.id,
                    centre_id=attempt.centre_id,
                    item_version_id=stored_ids[mapped.item_id, mapped.version],
                    part=part_number,
                    number=item.number,
                    response=_sealed(response, attempt.id, item.id, sealing),
                    raw=mark.raw,
                    maximum=mark.maximum,
                    scorer_version=mark.scorer_version,
                )
            )
    return scores


def _sealed(
    response: Response | None, attempt_id: str, item_id: str, sealing: Sealing
) -> bytes | None:
    if response is None:
        return None
    plain = json.dumps(response.to_plain(), sort_keys=True).encode()
    return sealing.seal(Sealed.RESPONSE, f"{attempt_id}/{item_id}", plain)


def _response_text(score: ItemScore, sealing: Sealing) -> str | None:
    if score.response is None:
        return None
    row = f"{score.attempt_id}/{score.presented_id}"
    return sealing.unseal(Sealed.RESPONSE, row, score.response).decode()


def _store(
    session: Session, marks: _Marks, *, officer: Actor, sealing: Sealing, now: datetime
) -> bool:
    """Writes the marks where they are new or differ; whether it did."""
    attempt_id = marks.result.attempt_id
    before = session.get(PaperResult, attempt_id)
    if before is not None:
        old = session.exec(select(ItemScore).where(ItemScore.attempt_id == attempt_id)).all()
        if _bits(before, list(old), sealing) == _bits(marks.result, marks.scores, sealing):
            return False
        audit.record(
            session,
            actor=officer.actor,
            action="attempt_regraded",
            subject=f"attempt:{attempt_id}",
            details={"before": str(before.total), "after": str(marks.result.total)},
            now=now,
        )
        session.exec(sa.delete(ItemScore).where(col(ItemScore.attempt_id) == attempt_id))
        session.delete(before)
        session.flush()
    session.add(marks.result)
    session.add_all(marks.scores)
    session.flush()
    return True


def _bits(result: PaperResult, scores: list[ItemScore], sealing: Sealing) -> str:
    """Everything that a replay must give again."""
    rows = [
        [
            score.presented_id,
            score.item_version_id,
            _response_text(score, sealing),
            str(score.raw),
            str(score.maximum),
            score.scorer_version,
        ]
        for score in sorted(scores, key=lambda score: score.number)
    ]
    return json.dumps(
        [str(result.total), str(result.maximum), result.scorer_version, result.head.hex(), rows],
        sort_keys=True,
    )


def replays(session: Session, attempt: Attempt, *, keys: ServerKeys, now: datetime) -> bool:
    """Whether computing the stored marks again gives the same bits."""
    stored = session.get(PaperResult, attempt.id)
    scores = session.exec(select(ItemScore).where(ItemScore.attempt_id == attempt.id)).all()
    if stored is None:
        return False
    marks, sealing = compute(session, attempt, keys=keys, now=now), keys.sealing
    return _bits(stored, list(scores), sealing) == _bits(marks.result, marks.scores, sealing)
