"""Grading: records opened, responses derived, scored with keys that exist here alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts import handing_in, records_kept
from exam_server.attempts.models import Attempt
from exam_server.audit import Actor
from exam_server.contract.api import AttemptState, ShiftState
from exam_server.contract.errors import ContractError
from exam_server.errors import NotPossibleError, Objection, ServerError
from exam_server.forms import service as forms
from exam_server.forms.models import Form
from exam_server.grading import counting
from exam_server.grading.by_people import marks_of_people, response_of, stored_form
from exam_server.grading.models import ItemScore
from exam_server.items import service as items
from exam_server.keys import ServerKeys
from exam_server.results.models import PaperResult
from exam_server.results.publication import unpublished
from exam_server.sealing import Sealed, Sealing
from exam_server.shards import anywhere
from exam_server.shifts.models import Shift
from question_bank.assembly import FormMapping
from question_bank.errors import QuestionBankError, ScoringError
from question_bank.item import Item
from question_bank.package import PresentedForm
from question_bank.response import Response
from question_bank.scoring import PaperScore, check_belongs, score_form


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
    """Marks every attempt of a closed shift that is closed; those that it was told of since the
    closing, and whose time was up, are closed first. Of a shift whose results are published, those
    that are not.

    Grading again gives the same marks to the bit; where it does not, the log holds both. Once all
    of a closed shift is marked, its items' statistics are counted.
    """
    shift = anywhere(session, Shift, shift_id, lock=True)
    if shift is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such shift")
    unpublished(session, shift)
    if shift.state is not ShiftState.CLOSED:
        raise NotPossibleError(
            Objection.WRONG_STATE,
            "only a closed shift is graded; closing names the answers that may be out",
        )
    waiting = handing_in.close_overdue(session, shift, keys=keys, grace=grace, now=now)
    graded = unchanged = 0
    problems: list[str] = []
    for attempt in unpublished(session, shift):
        if attempt.state is not AttemptState.SUBMITTED:
            continue
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
    if shift.state is ShiftState.CLOSED and not waiting:
        counting.count(session, shift, now=now)
    audit.record(
        session,
        actor=officer.actor,
        action="shift_graded",
        subject=f"shift:{shift.id}",
        details={"graded": graded, "unchanged": unchanged, "problems": len(problems)},
        now=now,
    )
    return GradeReport(graded, unchanged, waiting, tuple(problems))


def mark_anew(
    session: Session, attempt: Attempt, *, officer: Actor, keys: ServerKeys, now: datetime
) -> None:
    """The marks of a graded attempt once more, as something that makes them has changed."""
    marks = compute(session, attempt, keys=keys, now=now)
    _store(session, marks, officer=officer, sealing=keys.sealing, now=now)


def compute(session: Session, attempt: Attempt, *, keys: ServerKeys, now: datetime) -> _Marks:
    """The marks of a closed attempt from its records alone; stores nothing."""
    form = session.get_one(Form, attempt.form_id)
    mapping = forms.mapping_of(form, keys.sealing)
    shown = forms.presented(form, keys.sealing)
    versions = [(mapped.item_id, mapped.version) for mapped in mapping.items.values()]
    bank = items.load(session, versions, sealing=keys.sealing)
    given = records_kept.final_responses(session, attempt, keys)
    versions_given = {version: item for version, (_, item) in bank.items()}
    responses, problems = _fitting(attempt, mapping, versions_given, given)
    paper = score_form(mapping, versions_given.values(), responses)
    by_people = marks_of_people(session, attempt, form, responses, keys.sealing)
    stored_ids = {version: row_id for version, (row_id, _) in bank.items()}
    return _Marks(
        result=PaperResult(
            attempt_id=attempt.id,
            centre_id=attempt.centre_id,
            total=paper.total + sum(by_people.values(), Decimal(0)),
            maximum=paper.maximum,
            awaiting=sum(
                (mark.external for name, mark in paper.scores.items() if name not in by_people),
                Decimal(0),
            ),
            scorer_version=paper.scorer_version,
            head=attempt.head,
            graded_at=now,
        ),
        scores=_scores(
            attempt, shown, mapping, stored_ids, paper, responses, by_people, keys.sealing
        ),
        problems=problems,
    )


def _fitting(
    attempt: Attempt,
    mapping: FormMapping,
    bank: Mapping[tuple[str, int], Item],
    given: dict[str, Response],
) -> tuple[dict[str, Response], list[str]]:
    """The responses that belong to the form. Others earn nothing and are named, not hidden."""
    responses, problems = {}, []
    for presented_id, response in given.items():
        try:
            answer = mapping.to_bank(presented_id, response)
            mapped = mapping.items[presented_id]
            check_belongs(bank[mapped.item_id, mapped.version], answer)
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
    by_people: Mapping[str, Decimal],
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
                    raw=mark.raw + by_people.get(item.id, Decimal(0)),
                    maximum=mark.maximum,
                    for_people=mark.external,
                    awaiting=Decimal(0) if item.id in by_people else mark.external,
                    scorer_version=mark.scorer_version,
                )
            )
    return scores


def _sealed(
    response: Response | None, attempt_id: str, item_id: str, sealing: Sealing
) -> bytes | None:
    if response is None:
        return None
    return sealing.seal(Sealed.RESPONSE, f"{attempt_id}/{item_id}", stored_form(response))


def _response_text(score: ItemScore, sealing: Sealing) -> str | None:
    given = response_of(score, sealing)
    return None if given is None else given.decode()


def _store(
    session: Session, marks: _Marks, *, officer: Actor, sealing: Sealing, now: datetime
) -> bool:
    """Writes the marks where they are new or differ; whether it did."""
    centre_id, attempt_id = marks.result.centre_id, marks.result.attempt_id
    before = session.get(PaperResult, (centre_id, attempt_id))
    if before is not None:
        own = (col(ItemScore.centre_id) == centre_id, col(ItemScore.attempt_id) == attempt_id)
        old = session.exec(select(ItemScore).where(*own)).all()
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
        session.exec(sa.delete(ItemScore).where(*own))
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
            str(score.for_people),
            str(score.awaiting),
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
    stored = session.get(PaperResult, (attempt.centre_id, attempt.id))
    scores = session.exec(
        select(ItemScore).where(
            ItemScore.centre_id == attempt.centre_id, ItemScore.attempt_id == attempt.id
        )
    ).all()
    if stored is None:
        return False
    marks, sealing = compute(session, attempt, keys=keys, now=now), keys.sealing
    return _bits(stored, list(scores), sealing) == _bits(marks.result, marks.scores, sealing)
