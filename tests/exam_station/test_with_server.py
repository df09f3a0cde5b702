"""The whole kiosk against the whole server: both real, TLS between them, a simulated card.

The card lies in a reader of this process (PC/SC is tested in tests/pcsc and tests/journeys).
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from real_office import HOLDER, MODELS, PHOTOGRAPHS, PORTRAIT, ROOT, Office, Station, passport_sized
from station_papers import FORM

from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.pcscd import PrivatePcscd
from card_reader.simulator.recipe import ChipAuthenticationRecipe, Recipe
from card_reader.simulator.vpcd import VpcdLink
from exam_server.attempts import service as attempts
from exam_server.contract.api import AttemptState
from exam_station.flow import events
from exam_station.flow.screens import (
    CardRefused,
    ConfirmSubmit,
    Consent,
    Face,
    Paused,
    ReceiptShown,
    Referred,
    Waiting,
    Welcome,
    Writing,
)
from question_bank.response import ChoiceResponse, NumericResponse

pytestmark = [
    pytest.mark.slow,
    # What the offscreen platform says of every window, and Qt of the portrait that was exchanged.
    pytest.mark.qt_log_ignore("propagateSizeHints", "Corrupt JPEG data"),
]


def test_tap_refusal_of_the_camera_two_officers_crash_pause_and_receipt(
    station: Station, office: Office, issuer: Issuer
) -> None:
    card = Chip(issuer.issue(HOLDER, PORTRAIT.read_bytes()))
    office.open()
    station.switch_on()
    welcome = station.until(Welcome)
    assert (welcome.candidate.name, welcome.place.room) == (HOLDER.name, "P01")
    station.readers.put(card)
    consent = station.until(Consent)
    assert consent.reading.portrait == PORTRAIT.read_bytes()
    assert consent.reading.verdict == "unproven"
    station.act(events.UserDeclined())
    assert station.until(Referred).reasons == ("no_consent",)
    office.admit_by_hand()
    assert station.until(Waiting).conditional
    office.start()
    writing = station.until(Writing)
    assert writing.sitting.form == FORM
    station.act(
        events.UserAnswered("a", ChoiceResponse(("o2",))),
        events.UserFlagged("c", True),
        events.UserWentTo("d"),
        events.UserAnswered("d", NumericResponse("-1,5")),
    )
    before = station.screen.sitting
    assert before.counts.answered == 2
    station.switch_off()
    station.switch_on()
    assert station.until(Writing).sitting == before
    attempt = office.attempt().id
    office.act(attempts.pause, attempt, reason="fire alarm")
    station.until(Paused)
    office.act(attempts.resume, attempt, reason="over")
    station.until(Writing)
    station.act(events.UserAskedSubmit())
    station.until(ConfirmSubmit)
    station.act(events.UserConfirmedSubmit())
    receipt = station.until(ReceiptShown).receipt
    assert (receipt.answered, receipt.registration_number) == (2, "010001")
    kept = office.attempt()
    assert (kept.state, kept.head) == (AttemptState.SUBMITTED, receipt.head)
    station.switch_off()
    station.switch_on()
    assert station.until(ReceiptShown).receipt == receipt


def with_another_portrait(issuer: Issuer) -> Chip:
    genuine = issuer.issue(HOLDER, PORTRAIT.read_bytes())
    files = dict(genuine.files)
    portrait = max(files, key=lambda name: len(files[name]))
    files[portrait] = files[portrait][:-40] + bytes(38) + b"\xff\xd9"
    return Chip(replace(genuine, files=files))


def test_a_card_with_an_exchanged_portrait_is_refused_by_the_server(
    station: Station, office: Office, issuer: Issuer
) -> None:
    office.open()
    station.switch_on()
    station.until(Welcome)
    station.readers.put(with_another_portrait(issuer))
    refused = station.until(CardRefused)
    assert "data_group_mismatch" in refused.reasons
    assert office.latest_checkin().chip_refused


def test_a_chip_proves_itself_to_the_server_although_the_card_slipped(
    station: Station, office: Office, issuer: Issuer
) -> None:
    recipe = Recipe(chip_authentication=(ChipAuthenticationRecipe(),), active_authentication=None)
    office.open()
    station.switch_on()
    station.until(Welcome)
    station.readers.tear_after = 12
    station.readers.put(Chip(issuer.issue(HOLDER, PORTRAIT.read_bytes(), recipe=recipe)))
    station.until(Consent)
    assert station.readers.contacts == 2
    station.act(events.UserDeclined())
    assert station.until(Referred).reasons == ("no_consent",)
    assert office.latest_checkin().report["chip_authentication"] == "passed"


@pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason="the photographs come with make setup")
def test_the_face_decides_and_the_server_hears_numbers_only(
    station: Station, office: Office, issuer: Issuer
) -> None:
    camera = Path(station.settings.camera)
    (camera / "portrait.jpg").unlink()
    for name in ("obama2.jpg", "obama3.jpg"):
        shutil.copy(PHOTOGRAPHS / name, camera)
    card = Chip(issuer.issue(HOLDER, passport_sized(PHOTOGRAPHS / "obama.jpg")))
    office.open()
    station.switch_on()
    station.until(Welcome)
    station.readers.put(card)
    station.until(Consent)
    station.act(events.UserAgreed())
    station.until(Face)
    decided = station.until((Waiting, Referred))
    checkin = office.latest_checkin()
    assert checkin.consent and checkin.face["liveness"] == "not_done"
    assert 0 < checkin.face["score"] < 0.5
    assert isinstance(decided, Waiting) == (checkin.face["decision"] == "accept")


@pytest.mark.pcsc
def test_the_kiosks_own_process_reads_through_a_real_pcscd(
    station: Station, office: Office, issuer: Issuer
) -> None:
    """A false card, since that one goes to the server without anybody pressing a button."""
    office.open()
    settings = station.settings
    command = [sys.executable, "-m", "exam_station.cli", "run", "--windowed"]
    command += ["--data", str(settings.data), "--camera", settings.camera]
    with PrivatePcscd() as pcscd, VpcdLink(with_another_portrait(issuer), port=pcscd.ports[0]):
        environ = {**os.environ, **station.environ, **pcscd.environment}
        environ["EXAM_STATION_MODELS"] = str(MODELS)
        kiosk = subprocess.Popen(command, env=environ, cwd=ROOT, stderr=subprocess.PIPE)
        try:
            end = time.monotonic() + 90
            while office.latest_checkin() is None and time.monotonic() < end:
                time.sleep(0.2)
        finally:
            kiosk.terminate()
            _, log = kiosk.communicate(timeout=60)
    checkin = office.latest_checkin()
    assert checkin is not None and checkin.chip_refused, log.decode()
    assert "data_group_mismatch" in checkin.reasons
    assert "Traceback" not in log.decode()
    assert HOLDER.number not in log.decode() and HOLDER.name not in log.decode()
