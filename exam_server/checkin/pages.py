"""Doubtful identities decided by a proctor, and the check-in by two officers."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from fastapi.responses import Response
from sqlmodel import Session, col, select

from exam_server import audit, auth
from exam_server.access import Permission, allowed
from exam_server.audit import AuditEntry
from exam_server.auth import NotLetInError, Officer
from exam_server.checkin import conditions
from exam_server.checkin import service as checkins
from exam_server.checkin.models import Basis, CheckIn, PictureKind, SealedPicture
from exam_server.checkin.service import is_late
from exam_server.contract.api import ShiftState
from exam_server.errors import NotPossibleError, Objection
from exam_server.proctoring.service import seat_of
from exam_server.sealing import Sealed
from exam_server.shards import anywhere
from exam_server.shifts.models import Shift
from exam_server.staff import Staff
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting, member

pages = Pages()
#: One look at a check-in's pictures is one line of the log, however often the page is drawn.
LOOK = timedelta(minutes=10)
BAR_WIDTH = 600
#: The distance at the right end of the bar; nothing lies further that would tell more.
BAR_END = 0.8
MIME = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG", "image/png"))


class Ground(StrEnum):
    """Grounds that proctors have often; the first three admit, the others refuse."""

    SAME_PERSON_SEEN = "same_person_seen"
    APPEARANCE_CHANGED = "appearance_changed"
    RECORDS_EXPLAINED = "records_explained"
    OTHER_PERSON = "other_person"
    CARD_NOT_CREDIBLE = "card_not_credible"
    LEFT = "left"
    OTHER = "other"


#: What each decision may rest on; OTHER needs a note.
GROUNDS = {
    "admit": (
        Ground.SAME_PERSON_SEEN,
        Ground.APPEARANCE_CHANGED,
        Ground.RECORDS_EXPLAINED,
        Ground.OTHER,
    ),
    "refuse": (Ground.OTHER_PERSON, Ground.CARD_NOT_CREDIBLE, Ground.LEFT, Ground.OTHER),
}
#: What the server found of the card, in the order in which it matters, with its good values.
CHECKS = {
    "verdict": ("authentic",),
    "signature": ("valid",),
    "chain": ("trusted",),
    "revocation": ("good",),
    "dates": ("valid",),
    "issuer_match": ("true",),
    "active_authentication": ("passed",),
    "chip_authentication": ("passed",),
    "access": ("pace", "bac"),
}
PROOFS = ("active_authentication", "chip_authentication")
DOUBTFUL = frozenset(
    {"unproven", "no_anchor", "unknown", "stale", "none", "absent", "station_observed"}
)


@dataclass(frozen=True, slots=True)
class ScoreBar:
    """Where a face's distance lies among the bands; places are in units of the drawing."""

    score: Decimal
    accept: Decimal
    refer: Decimal
    score_x: int
    accept_x: int
    refer_x: int


def score_bar(face: dict[str, Any]) -> ScoreBar:
    values = [float(face[name]) for name in ("score", "accept_threshold", "refer_threshold")]
    places = [round(min(max(value, 0.0), BAR_END) / BAR_END * BAR_WIDTH) for value in values]
    score, accept, refer = (Decimal(f"{value:.2f}") for value in values)
    return ScoreBar(score, accept, refer, *places)


@pages.get("/checkins/{checkin}", Permission.WATCH_ROOMS)
def decision_page(visit: Visiting, checkin: str) -> Response:
    return _decision_page(visit, checkin)


def _decision_page(
    visit: Visit,
    checkin: str,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with visit.server.reading() as session:
        row = _checkin(session, checkin)
        session.expunge(row)
        room, seat = seat_of(session, row.placement_id, visit.now())
        kept = _pictures(session, row) if visit.may(Permission.SEE_PICTURES) else {}
        officers = {staff[0]: staff[1] for staff in session.exec(select(Staff.id, Staff.name))}
        chip_refused = conditions.chip_was_refused(session, row.centre_id, row.placement_id)
    admissible = row.consent and not chip_refused
    return page(
        visit,
        "decision.html",
        status=status,
        checkin=row,
        room=room,
        seat=seat,
        seated=seat.seated,
        superseded=seat.seated is None or seat.seated.checkin != row.id,
        by_hand=row.basis is not Basis.CHIP,
        portrait=next(iter(kept.get(PictureKind.PORTRAIT, ())), None),
        captures=kept.get(PictureKind.CAPTURE, ()),
        photographs=kept.get(PictureKind.PHOTOGRAPH, ()),
        face=row.face,
        score_bar=score_bar,
        checks=_checks(row.report),
        officers=officers,
        admissible=admissible,
        chip_refused=chip_refused,
        groups=[(kind, GROUNDS[kind]) for kind in GROUNDS if kind == "refuse" or admissible],
        errors=errors or {},
        typed=typed or {},
    )


def _checkin(session: Session, checkin: str) -> CheckIn:
    row = anywhere(session, CheckIn, checkin)
    if row is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such check-in")
    return row


def _pictures(session: Session, checkin: CheckIn) -> dict[PictureKind, list[str]]:
    query = (
        select(col(SealedPicture.kind), SealedPicture.id)
        .where(SealedPicture.centre_id == checkin.centre_id, SealedPicture.checkin_id == checkin.id)
        .order_by(col(SealedPicture.id))
    )
    kept: dict[PictureKind, list[str]] = {}
    for kind, picture in session.exec(query):
        kept.setdefault(kind, []).append(picture)
    return kept


def _checks(report: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """Name, value and tone of each finding; one proof of the chip is enough."""
    found = []
    proven = report is not None and "passed" in [report.get(name) for name in PROOFS]
    for name, good in CHECKS.items():
        if report is not None and name in report:
            value = str(report[name]).lower()
            if name in PROOFS and value == "absent" and proven:
                continue
            tone = "good" if value in good else "warn" if value in DOUBTFUL else "bad"
            found.append((name, value, tone))
    return found


@pages.get("/checkins/{checkin}/pictures/{picture}", Permission.SEE_PICTURES)
def picture(visit: Visiting, checkin: str, picture: str) -> Response:
    """One picture, opened for these eyes only; that somebody looked is logged."""
    with visit.server.reading() as session:
        row = anywhere(session, SealedPicture, picture)
        if row is None or row.checkin_id != checkin:
            raise NotPossibleError(Objection.NOT_FOUND, "there is no such picture")
        data = visit.server.sealing.unseal(Sealed.PICTURE, row.id, row.sealed)
        logged = _looked_lately(session, visit, checkin)
    if not logged:
        with visit.server.transaction() as session:
            if not _looked_lately(session, visit, checkin):
                audit.record(
                    session,
                    actor=visit.signed_in.actor,
                    action="pictures_seen",
                    subject=f"checkin:{checkin}",
                    details={},
                    now=visit.now(),
                )
    mime = next((name for start, name in MIME if data.startswith(start)), None)
    if mime is None:
        raise NotPossibleError(Objection.BAD_VALUE, "this picture is of no kind that is shown")
    return Response(data, media_type=mime)


def _looked_lately(session: Session, visit: Visit, checkin: str) -> bool:
    query = select(AuditEntry.sequence).where(
        AuditEntry.subject == f"checkin:{checkin}",
        AuditEntry.action == "pictures_seen",
        AuditEntry.actor == visit.signed_in.actor,
        AuditEntry.at > visit.now() - LOOK,
    )
    return session.exec(query.limit(1)).first() is not None


@pages.post("/checkins/{checkin}/decision", Permission.DECIDE_IDENTITY)
def decide(visit: Visiting, checkin: str) -> Response:
    typed = {name: visit.field(name) for name in ("decision", "ground", "note")}
    errors = _decision_errors(typed)
    if errors:
        return _decision_page(visit, checkin, status=422, errors=errors, typed=typed)
    words = visit.word("ground", typed["ground"])
    with visit.server.transaction() as session:
        row = checkins.decide(
            session,
            checkin,
            officer=visit.signed_in,
            admit=typed["decision"] == "admit",
            reason=f"{words}: {typed['note']}" if typed["note"] else words,
            now=visit.now(),
        )
        room, _ = seat_of(session, row.placement_id, visit.now())
    done = "admitted" if typed["decision"] == "admit" else "refused"
    return visit.go(f"/rooms/{room.shift.id}/{room.id}", done=done)


def _decision_errors(typed: dict[str, str]) -> dict[str, str]:
    decision, ground = typed["decision"], typed["ground"]
    if decision not in GROUNDS:
        return {"decision": "missing"}
    errors = {}
    chosen = member(Ground, ground)
    if chosen is None:
        errors["ground"] = "missing"
    elif chosen not in GROUNDS[decision]:
        errors["ground"] = "ground_mismatch"
    if chosen is Ground.OTHER and not typed["note"]:
        errors["note"] = "missing"
    return errors


@pages.get("/placements/{placement}/check-in", Permission.CHECK_IN_BY_HAND)
def manual_page(visit: Visiting, placement: str) -> Response:
    return _manual_page(visit, placement)


@dataclass(frozen=True, slots=True)
class ManualForm:
    """What was typed, but for the password."""

    basis: str
    reason: str
    second_login: str
    wrote_without_network: bool

    def errors(self, password: str) -> dict[str, str]:
        typed = {"second_password": password, "second_login": self.second_login}
        typed |= {"reason": self.reason}
        errors = {name: "missing" for name, value in typed.items() if not value}
        if member(Basis, self.basis) in (None, Basis.CHIP):
            errors["basis"] = "missing"
        return errors


def _manual_page(
    visit: Visit,
    placement: str,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    problem: str | None = None,
    form: ManualForm | None = None,
) -> Response:
    with visit.server.reading() as session:
        room, seat = seat_of(session, placement, visit.now())
        centre = room.shift.centre_id
        chip_refused = conditions.chip_was_refused(session, centre, placement)
        shift = session.get_one(Shift, (centre, room.shift.id))
    closed = shift.state is ShiftState.CLOSED
    over = closed or is_late(shift, visit.server.settings.late_limit, visit.now())
    barred = {Basis.CHIP, Basis.CARD_WITHOUT_CHIP} if chip_refused else {Basis.CHIP}
    typed = {name: getattr(form, name) for name in ManualForm.__slots__} if form else {}
    return page(
        visit,
        "manual.html",
        status=status,
        room=room,
        seat=seat,
        seated=seat.seated,
        chip_refused=chip_refused,
        over=over and not (seat.seated and seat.seated.attempt),
        bases=[basis for basis in Basis if basis not in barred],
        errors=errors or {},
        problem=problem,
        typed=typed,
    )


@pages.post("/placements/{placement}/check-in", Permission.CHECK_IN_BY_HAND)
def check_in_by_hand(visit: Visiting, placement: str) -> Response:
    form = ManualForm(
        visit.field("basis"),
        visit.field("reason"),
        visit.field("second_login"),
        visit.field("wrote_without_network") == "yes",
    )
    errors = form.errors(visit.secret("second_password"))
    photograph = _photograph(visit)
    if photograph is not None and not _fit(photograph):
        errors["photograph"] = "photograph"
    if errors:
        return _manual_page(visit, placement, status=422, errors=errors, form=form)
    try:
        second = _second_officer(visit, form.second_login)
        with visit.server.transaction() as session:
            checkins.admit_manually(
                session,
                placement,
                first=visit.signed_in,
                second=second,
                basis=Basis(form.basis),
                reason=form.reason,
                photograph=photograph,
                wrote_without_network=form.wrote_without_network,
                keys=visit.server.keys,
                settings=visit.server.settings,
                now=visit.now(),
            )
    except NotLetInError as error:
        wrong, problem = {"second_password": "second"}, f"second_{error.problem}"
        return _manual_page(visit, placement, status=403, errors=wrong, problem=problem, form=form)
    except NotPossibleError as error:
        field = FIELD_OF.get(error.objection, "basis")
        objection = {field: error.objection.value}
        return _manual_page(visit, placement, status=409, errors=objection, form=form)
    return visit.go(f"/placements/{placement}", done="by_hand")


#: Beside which field an objection is shown.
FIELD_OF = {
    Objection.SAME_OFFICER: "second_login",
    Objection.ROLE_MISSING: "second_login",
    Objection.REASON_MISSING: "reason",
}


def _second_officer(visit: Visit, username: str) -> Officer:
    """The second officer, who proves to be here with an own password, and may check in at all."""
    second = auth.check_officer(
        visit.server.engine,
        visit.request.app.state.throttle,
        username=username,
        password=visit.secret("second_password"),
        address=visit.address,
        now=visit.now(),
    )
    if not allowed(second.role, Permission.CHECK_IN_BY_HAND):
        raise NotPossibleError(Objection.ROLE_MISSING, "the second officer may not check in")
    return second


def _photograph(visit: Visit) -> bytes | None:
    upload = visit.upload("photograph")
    if upload is None:
        return None
    data = upload.file.read(checkins.MAX_PICTURE + 1)
    return data or None


def _fit(photograph: bytes) -> bool:
    return photograph.startswith(checkins.JPEG) and len(photograph) <= checkins.MAX_PICTURE
