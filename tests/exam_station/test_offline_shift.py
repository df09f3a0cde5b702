"""A whole shift without network: the real kiosk, and the real server before and after it.

Check-in by the room code, start by the start code, the paper, a restart in the middle, the hand-in
with a provisional receipt; then the network is back, and everything is there.
"""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from real_office import HOLDER, PHOTOGRAPHS, PORTRAIT, Office, Station, passport_sized
from station_papers import FORM

from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import CRL_FILE, CSCA_FILE, Issuer
from exam_server import db
from exam_server.attempts import records_kept
from exam_server.attempts.models import IssuedReceipt
from exam_server.contract import start_code
from exam_server.contract.api import AttemptState, CheckInState
from exam_server.contract.receipt import head_code
from exam_server.shifts.models import Shift
from exam_server.shifts.release import ShiftRelease
from exam_server.shifts.room_code import room_code_of
from exam_station.flow import events
from exam_station.flow.screens import (
    ConfirmSubmit,
    Consent,
    Face,
    OutOfOrder,
    ProctorConfirms,
    ReceiptShown,
    RoomCodeAsked,
    StartCodeAsked,
    Submitting,
    Waiting,
    Welcome,
    Writing,
)
from question_bank.response import ChoiceResponse, NumericResponse

pytestmark = [
    pytest.mark.slow,
    pytest.mark.qt_log_ignore("propagateSizeHints", "Corrupt JPEG data"),
]
ANSWERS = {"a": ChoiceResponse(("o2",)), "d": NumericResponse("-1,5")}


def room_code(office: Office) -> str:
    return room_code_of(office.keys, shift=office.shift, room=office.seat.room_id).text


def code_of_start(office: Office) -> str:
    with db.reading(office.engine) as session:
        shift = session.scalars(sa.select(Shift)).one()
        return start_code.encode(
            ShiftRelease(shift, office.keys.sealing).start_secret(office.seat.room_id)
        )


def prepared(station: Station, office: Office) -> tuple[str, str]:
    """The kiosk has its kit and its packages; the codes lie in the envelope; the network goes."""
    office.open()
    station.switch_on()
    station.until(Welcome)
    kits = station.kiosk.runner._work._kits
    station.qtbot.waitUntil(lambda: kits.kit() is not None, timeout=60_000)
    station.qtbot.waitUntil(lambda: bool(station.kiosk.runner.state.staged), timeout=60_000)
    codes = room_code(office), code_of_start(office)
    office.cut()
    station.qtbot.waitUntil(lambda: not station.kiosk.runner.state.status.connected, timeout=60_000)
    return codes


def admitted(station: Station, room: str) -> None:
    station.until(RoomCodeAsked)
    station.act(events.UserTypedCode("WRONG-CODES"))
    station.qtbot.waitUntil(lambda: station.screen.wrong, timeout=60_000)
    station.act(events.UserTypedCode(room))
    station.until(Consent)
    station.act(events.UserDeclined())
    station.until(ProctorConfirms)
    station.act(events.UserTypedCode(room))  # without consent a doubt is left
    station.until(Waiting)


def begun(station: Station, start: str) -> None:
    station.act(events.UserGoesOffline())
    station.until(StartCodeAsked)
    station.act(events.UserTypedCode(start[:-1] + ("0" if start[-1] != "0" else "1")))
    station.qtbot.waitUntil(lambda: bool(station.screen.wrong), timeout=60_000)
    station.act(events.UserTypedCode(start.lower()))
    assert station.until(Writing).sitting.form == FORM


def answered(station: Station) -> None:
    station.act(*(events.UserAnswered(item, answer) for item, answer in ANSWERS.items()))
    assert station.screen.sitting.counts.answered == len(ANSWERS)


def handed_in(station: Station) -> str:
    station.act(events.UserAskedSubmit())
    station.until(ConfirmSubmit)
    station.act(events.UserConfirmedSubmit())
    station.until(Submitting)
    station.qtbot.waitUntil(lambda: bool(station.screen.head_code), timeout=60_000)
    return station.screen.head_code


def complete(office: Office) -> None:
    """The server holds the whole set of answers, and its chain holds."""
    attempt = office.attempt()
    assert attempt.state is AttemptState.SUBMITTED and attempt.started_by_code
    with db.reading(office.engine) as session:
        kept = session.merge(attempt, load=False)
        assert records_kept.final_responses(session, kept, office.keys) == ANSWERS


def test_a_shift_without_network_ends_in_a_complete_verified_set_of_answers(
    station: Station, office: Office, issuer: Issuer
) -> None:
    room, start = prepared(station, office)
    station.readers.put(Chip(issuer.issue(HOLDER, PORTRAIT.read_bytes())))
    admitted(station, room)
    begun(station, start)
    answered(station)
    station.switch_off()
    station.switch_on()
    assert station.until(Writing).sitting.counts.answered == len(ANSWERS)
    code = handed_in(station)
    office.serve()
    receipt = station.until(ReceiptShown, 40).receipt
    assert head_code(receipt.head) == code
    complete(office)
    checkin = office.latest_checkin()
    assert checkin.state is CheckInState.CONDITIONAL  # without consent somebody looks at it
    assert "room_code_wrong" not in checkin.reasons
    assert "challenge_not_from_server" not in checkin.reasons
    folder = station.settings.data / "attempts" / office.attempt().id
    assert not (folder / "checkin.sealed").exists() and not (folder / "started.json").exists()


def test_what_was_handed_in_is_sent_after_the_kiosk_was_switched_off(
    station: Station, office: Office, issuer: Issuer
) -> None:
    """The next morning, with the network back, nobody sits there, and it is sent all the same."""
    room, start = prepared(station, office)
    station.readers.put(Chip(issuer.issue(HOLDER, PORTRAIT.read_bytes())))
    admitted(station, room)
    begun(station, start)
    answered(station)
    handed_in(station)
    station.switch_off()
    office.serve()
    station.switch_on()

    def receipts() -> int:
        with db.reading(office.engine) as session:
            return len(session.scalars(sa.select(IssuedReceipt)).all())

    station.qtbot.waitUntil(lambda: receipts() == 1, timeout=40_000)
    complete(office)


def test_a_kiosk_without_a_kit_says_that_it_cannot_serve(station: Station, office: Office) -> None:
    office.cut()
    station.switch_on()
    station.until(OutOfOrder)


@pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason="the photographs come with make setup")
def test_a_proven_chip_and_a_matching_face_need_no_second_look(
    station: Station, office: Office, issuer: Issuer
) -> None:
    camera = Path(station.settings.camera)
    (camera / "portrait.jpg").unlink()
    for name in ("obama2.jpg", "obama3.jpg"):
        shutil.copy(PHOTOGRAPHS / name, camera)
    trust = station.settings.trust
    trust.mkdir()
    for name in (CSCA_FILE, CRL_FILE):
        shutil.copy(office.folder / "issuer" / name, trust)
    room, _ = prepared(station, office)
    station.readers.put(Chip(issuer.issue(HOLDER, passport_sized(PHOTOGRAPHS / "obama.jpg"))))
    station.until(RoomCodeAsked)
    station.act(events.UserTypedCode(room))
    assert station.until(Consent).reading.verdict == "authentic"
    station.act(events.UserAgreed())
    station.until(Face)
    confirms = station.until(ProctorConfirms, 40)
    accepted = confirms.face.record.decision == "accept"
    station.act(events.UserConfirmedCheckIn() if accepted else events.UserTypedCode(room))
    assert station.until(Waiting).conditional == (not accepted)
    office.serve()
    station.qtbot.waitUntil(lambda: office.latest_checkin() is not None, timeout=40_000)
    checkin = office.latest_checkin()
    admitted = CheckInState.ADMITTED if accepted else CheckInState.CONDITIONAL
    assert checkin.state is admitted, checkin.reasons
