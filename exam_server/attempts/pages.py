"""For the exam office: what arrived too late to be kept, answer by answer."""

from dataclasses import dataclass

from fastapi.responses import Response
from sqlmodel import Session

from exam_server.access import Permission
from exam_server.attempts import late_decisions, late_records, noting
from exam_server.attempts.late_records import LateAnswer, Standing
from exam_server.attempts.models import Attempt
from exam_server.attempts.wording import in_words
from exam_server.contract.api import AttemptState
from exam_server.errors import NotPossibleError, Objection
from exam_server.forms import service as forms
from exam_server.forms.models import Form
from exam_server.proctoring.service import seat_of
from exam_server.results.publication import result_published_at
from exam_server.shards import anywhere
from exam_server.stations.models import Station
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting
from question_bank.package import PresentedItem
from question_bank.response import Response as Answer

pages = Pages()


@dataclass(frozen=True, slots=True)
class LateLine:
    """One late answer in words; `number` is None where the form has no such item."""

    answer: LateAnswer
    number: int | None
    station: str
    late: str
    present: str

    @property
    def adoptable(self) -> bool:
        return self.answer.standing is Standing.ADOPTABLE


@pages.get("/attempts/{attempt}/late", Permission.SETTLE_RECORDS)
def late(visit: Visiting, attempt: str) -> Response:
    return _late(visit, attempt)


def _late(
    visit: Visit,
    attempt_id: str,
    *,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with visit.server.reading() as session:
        attempt = _attempt(session, attempt_id)
        room, seat = seat_of(session, attempt.placement_id, visit.now())
        lines = _lines(visit, session, attempt)
        noted = noting.noted(session, attempt)
        published = result_published_at(session, attempt)
        # Of the last lease, too, once nobody writes under it any more.
        closed = attempt.state is AttemptState.SUBMITTED
        epochs = range(1, attempt.epoch + closed)
    return page(
        visit,
        "late.html",
        status=422 if errors else 200,
        attempt=attempt_id,
        room=room,
        seat=seat,
        seated=seat.seated,
        lines=lines,
        noted=noted,
        epochs=epochs,
        adoptable=sum(line.answer.waits and line.adoptable for line in lines),
        published=published,
        errors=errors or {},
        typed=typed or {},
    )


def _attempt(session: Session, attempt_id: str) -> Attempt:
    attempt = anywhere(session, Attempt, attempt_id)
    if attempt is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such attempt")
    return attempt


def _lines(visit: Visit, session: Session, attempt: Attempt) -> list[LateLine]:
    server = visit.server
    shown = forms.presented(session.get_one(Form, attempt.form_id), server.sealing)
    items = {item.id: item for item in shown.items}
    answers = late_records.late_answers(session, attempt, keys=server.keys, now=visit.now())
    return [
        LateLine(
            answer=one,
            number=items[one.item].number if one.item in items else None,
            station=session.get_one(Station, one.station).name,
            late=_words(visit, items.get(one.item), one.response),
            present=_words(visit, items.get(one.item), one.present),
        )
        for one in answers
    ]


def _words(visit: Visit, item: PresentedItem | None, answer: Answer | None) -> str:
    if answer is None or item is None:
        return "–" if answer is None else str(answer.to_plain())
    signs = {name: visit.word("judged", name) for name in ("true", "false")}
    return in_words(item, answer, **signs)


@pages.post("/attempts/{attempt}/late", Permission.SETTLE_RECORDS)
def decide(visit: Visiting, attempt: str) -> Response:
    chosen = [one for one in visit.form.getlist("evidence") if isinstance(one, str)]
    typed = {name: visit.field(name) for name in ("decision", "reason")}
    if typed["decision"] not in ("adopt", "adopt_all", "set_aside"):
        raise NotPossibleError(Objection.BAD_VALUE, "choose to adopt or to set aside")
    errors = {} if typed["reason"] else {"reason": "missing"}
    if not chosen and typed["decision"] != "adopt_all":
        errors["evidence"] = "nothing_chosen"
    if errors:
        return _late(visit, attempt, errors=errors, typed=typed)
    with visit.server.transaction() as session:
        late_decisions.decide(
            session,
            attempt,
            None if typed["decision"] == "adopt_all" else chosen,
            adopt=typed["decision"] != "set_aside",
            officer=visit.signed_in,
            reason=typed["reason"],
            keys=visit.server.keys,
            now=visit.now(),
        )
    if typed["decision"] == "set_aside":
        return visit.go(f"/attempts/{attempt}/late", done="late_set_aside")
    return visit.go(f"/attempts/{attempt}/late", done="late_adopted")


@pages.post("/attempts/{attempt}/noted", Permission.SETTLE_RECORDS)
def note(visit: Visiting, attempt: str) -> Response:
    """A code that stands in the minutes and was not typed at the move."""
    typed = {name: visit.field(name) for name in ("head_code", "epoch", "minutes")}
    errors = {} if typed["minutes"] else {"minutes": "missing"}
    if noting.clean_code(typed["head_code"]) is None:
        errors["head_code"] = "head_code"
    if errors:
        return _late(visit, attempt, errors=errors, typed=typed)
    if not (typed["epoch"].isascii() and typed["epoch"].isdigit()):
        raise NotPossibleError(Objection.BAD_VALUE, "choose the station that showed the code")
    with visit.server.transaction() as session:
        noting.note(
            session,
            _attempt(session, attempt),
            typed["head_code"],
            epoch=int(typed["epoch"][:9]),
            officer=visit.signed_in,
            reason=typed["minutes"],
            now=visit.now(),
        )
    return visit.go(f"/attempts/{attempt}/late", done="head_noted")
