"""For the exam office: two stations wrote one attempt; whose journal counts."""

from dataclasses import dataclass
from datetime import datetime

from fastapi.responses import Response
from sqlmodel import Session

from exam_server.access import Permission
from exam_server.attempts import forks, records_kept, settling
from exam_server.attempts.fencing_models import LeaseConflict, Side
from exam_server.attempts.models import Attempt
from exam_server.attempts.rivals import stations_of
from exam_server.attempts.wording import in_words
from exam_server.errors import NotPossibleError, Objection
from exam_server.forms import service as forms
from exam_server.forms.models import Form
from exam_server.proctoring.service import seat_of
from exam_server.results.publication import result_published_at
from exam_server.shards import anywhere
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting
from question_bank.response import Response as Answer

pages = Pages()


@dataclass(frozen=True, slots=True)
class Line:
    """One item and what either side has there; `differs` is what an officer looks for."""

    number: int
    server: str
    claimant: str

    @property
    def differs(self) -> bool:
        return self.server != self.claimant


@dataclass(frozen=True, slots=True)
class First:
    """The conflict that has to be settled before: where it forks, and for which side."""

    fork: int
    side: Side


@dataclass(frozen=True, slots=True)
class View:
    """A conflict in words. `lines` is empty where the other side's records are still missing, or
    where another conflict, `first`, has to be settled the other way first."""

    id: str
    claimed_at: datetime
    fork: int
    counts: Side
    settled_at: datetime | None
    reason: str
    server_stations: str
    claimant: str
    lines: tuple[Line, ...]
    first: First | None


@pages.get("/attempts/{attempt}/conflict", Permission.SETTLE_RECORDS)
def conflict(visit: Visiting, attempt: str) -> Response:
    return _conflict(visit, attempt)


def _conflict(visit: Visit, attempt_id: str, *, errors: dict[str, str] | None = None) -> Response:
    with visit.server.reading() as session:
        attempt = anywhere(session, Attempt, attempt_id)
        if attempt is None:
            raise NotPossibleError(Objection.NOT_FOUND, "there is no such attempt")
        room, seat = seat_of(session, attempt.placement_id, visit.now())
        views = [_view(visit, session, attempt, one) for one in _all(session, attempt)]
        published = result_published_at(session, attempt)
    return page(
        visit,
        "conflict.html",
        status=422 if errors else 200,
        attempt=attempt_id,
        room=room,
        seated=seat.seated,
        conflicts=views,
        published=published,
        errors=errors or {},
        reason=visit.field("reason"),
    )


def _all(session: Session, attempt: Attempt) -> list[LeaseConflict]:
    found = forks.conflicts_of(session, attempt)
    if not found:
        raise NotPossibleError(Objection.NOT_FOUND, "only one station wrote this attempt")
    return found


def _view(visit: Visit, session: Session, attempt: Attempt, one: LeaseConflict) -> View:
    servers, claimant = stations_of(session, one)
    return View(
        id=one.id,
        claimed_at=one.claimed_at,
        fork=one.fork_sequence,
        counts=one.counts,
        settled_at=one.settled_at,
        reason=one.reason or "",
        server_stations=", ".join(servers),
        claimant=claimant,
        lines=_lines(visit, session, attempt, one),
        first=_first(session, attempt, one),
    )


def _first(session: Session, attempt: Attempt, one: LeaseConflict) -> First | None:
    try:
        first = forks.first_to_settle(session, attempt, one)
    except NotPossibleError:  # it forks nowhere: the page says that records are missing
        return None
    return None if first is None else First(first.fork_sequence, forks.other_side(first))


def _lines(
    visit: Visit, session: Session, attempt: Attempt, one: LeaseConflict
) -> tuple[Line, ...]:
    keys, now = visit.server.keys, visit.now()
    counting = records_kept.final_responses(session, attempt, keys)
    try:
        aside = settling.responses_aside(session, attempt, one, keys=keys, now=now)
    except NotPossibleError:
        return ()
    sides = (counting, aside) if one.counts is Side.SERVER else (aside, counting)
    shown = forms.presented(session.get_one(Form, attempt.form_id), visit.server.sealing)
    signs = {name: visit.word("judged", name) for name in ("true", "false")}

    def words(answers: dict[str, Answer], item: str) -> str:
        answer = answers.get(item)
        return "–" if answer is None else in_words(items[item], answer, **signs)

    items = {item.id: item for item in shown.items}
    return tuple(
        Line(item.number, words(sides[0], item.id), words(sides[1], item.id))
        for item in shown.items
        if item.id in sides[0] or item.id in sides[1]
    )


@pages.post("/attempts/{attempt}/conflict", Permission.SETTLE_RECORDS)
def settle(visit: Visiting, attempt: str) -> Response:
    side, reason = visit.choice("side", Side), visit.field("reason")
    errors = {} if reason else {"reason": "missing"}
    if side is None:
        errors["side"] = "missing"
    if errors or side is None:
        return _conflict(visit, attempt, errors=errors)
    with visit.server.transaction() as session:
        settling.settle(
            session,
            visit.field("conflict"),
            side=side,
            officer=visit.signed_in,
            reason=reason,
            keys=visit.server.keys,
            now=visit.now(),
        )
    return visit.go(f"/attempts/{attempt}/conflict", done="conflict_settled")
