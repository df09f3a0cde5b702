"""What people gave to the answers of an attempt, as far as it counts."""

import json
from collections.abc import Mapping
from decimal import Decimal

from sqlmodel import Session, col, select

from exam_server.attempts.models import Attempt
from exam_server.forms.models import Form, Paper
from exam_server.grading.marking_rule import MarkingRule
from exam_server.grading.models import ItemScore, Marking
from exam_server.sealing import Sealed, Sealing
from question_bank.response import Response


def stored_form(response: Response) -> bytes:
    """The response in its plain form as JSON, as it is sealed and as its digest is taken."""
    return json.dumps(response.to_plain(), sort_keys=True).encode()


def response_of(score: ItemScore, sealing: Sealing) -> bytes | None:
    """The scored response in that form; None: there was none."""
    if score.response is None:
        return None
    return unsealed_response(score.attempt_id, score.presented_id, score.response, sealing)


def unsealed_response(
    attempt_id: str, presented_id: str, response: bytes, sealing: Sealing
) -> bytes:
    return sealing.unseal(Sealed.RESPONSE, f"{attempt_id}/{presented_id}", response)


def rule_of(session: Session, form: Form) -> MarkingRule:
    paper = session.get_one(Paper, form.paper_id)
    return MarkingRule(paper.markers, paper.difference)


def markings(session: Session, attempt: Attempt) -> dict[str, list[Marking]]:
    """By presented item, in the order in which they were given."""
    found: dict[str, list[Marking]] = {}
    for row in session.exec(
        select(Marking)
        .where(Marking.centre_id == attempt.centre_id, Marking.attempt_id == attempt.id)
        .order_by(col(Marking.place))
    ):
        found.setdefault(row.presented_id, []).append(row)
    return found


def counting(given: list[Marking], answer: bytes) -> list[Marking]:
    """Those that were given to this very answer."""
    return [one for one in given if one.answer == answer]


def marks_of_people(
    session: Session,
    attempt: Attempt,
    form: Form,
    responses: Mapping[str, Response],
    sealing: Sealing,
) -> dict[str, Decimal]:
    """By presented item, where people have given enough marks to what was answered."""
    rule, settled = rule_of(session, form), dict[str, Decimal]()
    for name, given in markings(session, attempt).items():
        if name in responses:
            answer = sealing.content_digest(stored_form(responses[name]))
            points = rule.settled([one.points for one in counting(given, answer)])
            if points is not None:
                settled[name] = points
    return settled
