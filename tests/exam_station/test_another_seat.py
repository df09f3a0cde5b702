"""A candidate changes seats: two real kiosks, the real server, a chip and a face; with the network
and without; and the former station that comes back late."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pytestqt.qtbot import QtBot
from real_office import HOLDER, PHOTOGRAPHS, Office, Station, TestReaders, passport_sized

from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from exam_server import checking, db
from exam_server.attempts import late_decisions, late_records, records_kept, settling
from exam_server.attempts.fencing_models import LeaseConflict, Side
from exam_server.attempts.granting import take_over
from exam_server.attempts.late_records import Standing
from exam_server.attempts.models import Attempt, EvidenceRecord, JournalRecord, Lease
from exam_server.centres.models import Seat
from exam_server.checkin import service as checkins
from exam_server.context import utc_now
from exam_server.contract import journal_file
from exam_server.contract.api import AttemptState
from exam_server.contract.receipt import head_code
from exam_server.shards import anywhere
from exam_server.shifts import service as shifts
from exam_server.stations.models import Station as RegisteredStation
from exam_station.attempt_folder import AttemptFolder
from exam_station.cli import main
from exam_station.enrolment import enrol
from exam_station.flow import events
from exam_station.flow.codes import NoticeCode
from exam_station.flow.screens import (
    ConfirmSubmit,
    Consent,
    Notice,
    ReceiptShown,
    Referred,
    Waiting,
    Welcome,
    Writing,
)
from exam_station.moving import move_out
from exam_station.vault import Vault, unlock_secret
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse

pytestmark = [
    pytest.mark.slow,
    pytest.mark.qt_log_ignore("propagateSizeHints", "Corrupt JPEG data"),
    pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason="the photographs come with make setup"),
]
FIRST, SECOND = ChoiceResponse(("o2",)), ChoiceResponse(("o1",))


@pytest.fixture
def chip(issuer: Issuer) -> Chip:
    return Chip(issuer.issue(HOLDER, passport_sized(PHOTOGRAPHS / "obama.jpg")))


@pytest.fixture
def other(qtbot: QtBot, station: Station, office: Office, tmp_path: Path) -> Iterator[Station]:
    """The station at seat 04 of the same room, at which nobody is placed; both cameras see the
    candidate."""
    camera = Path(station.settings.camera)
    (camera / "portrait.jpg").unlink()
    for name in ("obama2.jpg", "obama3.jpg"):
        shutil.copy(PHOTOGRAPHS / name, camera)
    own = office.seat
    with db.transaction(office.engine) as session:
        seat = Seat(centre_id=own.centre_id, room_id=own.room_id, name="04", row=1, column=4)
        session.add(seat)
    office.seat = seat
    token = office.token()
    office.seat = own
    data, secret = tmp_path / "other", Path(station.environ["EXAM_STATION_UNLOCK_FILE"])
    enrol(token, name="P01-04", data=data, secret=secret.read_bytes(), version="test")
    settings = replace(station.settings, data=data)
    made = Station(qtbot, settings, station.environ, TestReaders())
    yield made
    made.switch_off()


def admitted(station: Station, office: Office) -> None:
    """The face decides, or the proctor does where it is not sure."""
    decided = station.until((Waiting, Referred, Writing), 40)
    if isinstance(decided, Referred):
        with db.transaction(office.engine) as session:
            checkins.decide(
                session, decided.checkin, officer=office.officers[0], admit=True,
                reason="the very person", now=utc_now(),
            )  # fmt: skip


def writing(station: Station, office: Office, chip: Chip) -> Writing:
    """From the tap to the paper, at the first seat."""
    office.open()
    station.switch_on()
    station.until(Welcome)
    station.readers.put(chip)
    station.until(Consent)
    station.act(events.UserAgreed())
    admitted(station, office)
    station.until(Waiting)
    office.start()
    station.until(Writing)
    station.readers.take()
    return station.screen


def moved(office: Office, to: str, head_code: str = "") -> None:
    with db.reading(office.engine) as session:
        seat = session.scalars(sa.select(Seat.id).where(Seat.name == to)).one()
    office.act(
        shifts.move_placement, office.placement, seat_id=seat, reason="máy hỏng",
        head_code=head_code,
    )  # fmt: skip


def tapped(station: Station, office: Office, chip: Chip) -> Writing:
    """At the new seat: the card, the face, and the paper opens by itself."""
    station.qtbot.waitUntil(
        lambda: isinstance(station.screen, Welcome) and station.screen.moved, timeout=60_000
    )
    station.readers.put(chip)
    admitted(station, office)
    station.until(Writing)
    return station.screen


def answers(office: Office) -> dict[str, object]:
    attempt = office.attempt()
    with db.reading(office.engine) as session:
        return records_kept.final_responses(
            session, session.merge(attempt, load=False), office.keys
        )


def sent(office: Office, sequence: int, station: Station) -> None:
    station.qtbot.waitUntil(lambda: office.attempt().sequence >= sequence, timeout=60_000)


def sound(office: Office) -> None:
    with db.reading(office.engine) as session:
        found = checking.check_all(session, office.keys.signing.public_key())
    assert found.faults == ()


def test_same_form_answers_flags_item_and_time_at_another_seat_after_one_tap(
    station: Station, other: Station, office: Office, chip: Chip
) -> None:
    other.switch_on()
    before = writing(station, office, chip)
    station.act(
        events.UserAnswered("a", FIRST), events.UserFlagged("c", True), events.UserWentTo("d"),
        events.UserHeard("nghe", 1, 0), events.UserHeard("nghe", 1, 700),
    )  # fmt: skip
    before = station.screen
    moved(office, "04")
    notice = station.until(Notice)
    assert notice.code is NoticeCode.MOVED
    station.qtbot.waitUntil(lambda: bool(station.screen.head_code), timeout=60_000)
    after = tapped(other, office, chip)
    assert after.sitting == before.sitting
    assert after.ledger.started == before.ledger.started
    assert after.ledger.deadline(utc_now()) == before.ledger.deadline(utc_now())
    other.act(events.UserHeard("nghe", 1, 0))  # what was heard is not heard again
    other.act(events.UserAnswered("d", NumericResponse("-1,5")))
    sent(office, 7, other)
    with db.reading(office.engine) as session:
        epochs = session.scalars(
            sa.select(JournalRecord.epoch).order_by(JournalRecord.sequence)
        ).all()
    assert epochs == [1, 1, 1, 1, 1, 1, 2]
    other.switch_off()
    other.switch_on()  # a restart at the seat where the paper is asks for no card
    assert other.until(Writing).sitting.counts.answered == 2
    other.act(events.UserAskedSubmit())
    other.until(ConfirmSubmit)
    other.act(events.UserConfirmedSubmit())
    assert other.until(ReceiptShown).receipt.answered == 2
    assert office.attempt().state is AttemptState.SUBMITTED
    sound(office)


def written_without_network(station: Station, office: Office) -> str:
    """Two answers that stay on the first station, which then breaks down; its head code."""
    office.cut()
    station.qtbot.waitUntil(lambda: not station.kiosk.runner.state.status.connected, timeout=60_000)
    station.act(events.UserAnswered("a", SECOND), events.UserAnswered("b", ChoiceResponse(
        ("o1",), "multiple"
    )))  # fmt: skip
    desk, runner = station.kiosk.runner._work._desk, station.kiosk.runner
    code = head_code(desk.head(office.attempt().id))
    station.qtbot.waitUntil(lambda: runner.state.status.head_code == code, timeout=60_000)
    station.switch_off()
    office.serve()
    return code


def test_the_former_station_comes_back_after_the_takeover_with_unsent_records(
    station: Station, other: Station, office: Office, chip: Chip
) -> None:
    writing(station, office, chip)
    station.act(events.UserAnswered("a", FIRST))
    sent(office, 2, station)
    code = written_without_network(station, office)
    other.switch_on()
    moved(office, "04", code)
    after = tapped(other, office, chip)
    assert after.sitting.responses == {"a": FIRST}
    other.act(events.UserAnswered("a", FIRST), events.UserAnswered("d", NumericResponse("7")))
    other.act(events.UserAnswered("a", SECOND), events.UserAnswered("a", FIRST))
    sent(office, 5, other)
    station.switch_on()

    def late() -> list[late_records.LateAnswer]:
        attempt = office.attempt()
        with db.reading(office.engine) as session:
            kept = session.merge(attempt, load=False)
            return late_records.late_answers(session, kept, keys=office.keys, now=utc_now())

    station.qtbot.waitUntil(lambda: len(late()) == 2, timeout=30_000)
    standings = {one.item: one.standing for one in late()}
    assert standings == {"a": Standing.ANSWERED_SINCE, "b": Standing.ADOPTABLE}
    assert answers(office) == {"a": FIRST, "d": NumericResponse("7")}
    evidence = next(one.evidence for one in late() if one.item == "b")
    office.act(
        late_decisions.decide, office.attempt().id, [evidence], adopt=True, reason="biên bản",
        keys=office.keys,
    )  # fmt: skip
    assert answers(office)["b"] == ChoiceResponse(("o1",), "multiple")
    assert isinstance(other.screen, Writing)
    sound(office)


def test_the_former_station_comes_back_before_the_takeover_and_nothing_is_late(
    station: Station, other: Station, office: Office, chip: Chip
) -> None:
    writing(station, office, chip)
    station.act(events.UserAnswered("a", FIRST))
    sent(office, 2, station)
    written_without_network(station, office)
    moved(office, "04")
    station.switch_on()
    sent(office, 4, station)
    other.switch_on()
    after = tapped(other, office, chip)
    assert after.sitting.responses == {"a": SECOND, "b": ChoiceResponse(("o1",), "multiple")}
    with db.reading(office.engine) as session:
        assert session.scalars(sa.select(EvidenceRecord)).all() == []
    sound(office)


def carried(station: Station, other: Station, folder: Path, capsys: pytest.CaptureFixture) -> None:
    """The technician ends the attempt at one kiosk and takes it up at the other."""
    out = main(["move-out", "--data", str(station.settings.data), "--to", str(folder), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert out == 0 and len(said["head_code"]) == 19
    assert main(["move-in", "--data", str(other.settings.data), str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["registration_number"] == "010001"


@pytest.fixture
def unlocked(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in station.environ.items():
        monkeypatch.setenv(name, value)


@dataclass
class Carrying:
    """The paper is begun at one seat; without network it is carried to another and goes on."""

    station: Station
    other: Station
    office: Office
    chip: Chip
    tmp_path: Path
    capsys: pytest.CaptureFixture

    def __call__(self) -> None:
        carry_on(self.station, self.other, self.office, self.chip, self.tmp_path, self.capsys)


@pytest.fixture
def carrying(
    station: Station,
    other: Station,
    office: Office,
    chip: Chip,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    unlocked: None,
) -> Carrying:
    return Carrying(station, other, office, chip, tmp_path, capsys)


def carry_on(
    station: Station,
    other: Station,
    office: Office,
    chip: Chip,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    other.switch_on()
    writing(station, office, chip)
    station.act(events.UserAnswered("a", FIRST))
    sent(office, 2, station)
    kits = other.kiosk.runner._work._kits
    other.qtbot.waitUntil(lambda: kits.start(office.shift) is not None, timeout=60_000)
    office.cut()
    station.act(events.UserAnswered("b", ChoiceResponse(("o1",), "multiple")))
    before = station.screen.sitting
    assert main(["move-out", "--data", str(station.settings.data), "--to", str(tmp_path)]) == 2
    assert "being written by another program" in capsys.readouterr().err
    station.switch_off()
    other.switch_off()
    carried(station, other, tmp_path / "stick", capsys)

    other.switch_on()
    assert other.until(Writing).sitting == before
    other.act(events.UserAnswered("c", ClusterResponse({"s1": True})))
    station.switch_on()  # it knows that it has given the attempt away
    assert station.until(Notice).code is NoticeCode.CARRIED_AWAY
    station.switch_off()


def test_without_network_the_journal_is_carried_and_the_server_hears_of_it_afterwards(
    other: Station, office: Office, carrying: Carrying
) -> None:
    carrying()
    office.serve()
    sent(office, 4, other)
    assert answers(office) == other.screen.sitting.responses
    with db.reading(office.engine) as session:
        leases = session.execute(sa.select(Lease.epoch).order_by(Lease.epoch)).scalars().all()
        attempt = anywhere(session, Attempt, office.attempt().id)
    assert leases == [1, 2] and attempt.epoch == 2
    folder = AttemptFolder(other.settings.data, attempt.id)
    assert folder.claim() is None and folder.came_by_token
    other.act(events.UserAskedSubmit())
    other.until(ConfirmSubmit)
    other.act(events.UserConfirmedSubmit())
    assert other.until(ReceiptShown).receipt.answered == 3
    sound(office)


def test_who_claims_an_attempt_beside_another_goes_on_after_a_restart(
    other: Station, office: Office, carrying: Carrying
) -> None:
    """The server has given the attempt to somebody else meanwhile: two hands, and neither stops."""
    carrying()
    with db.transaction(office.engine) as session:
        attempt = session.scalars(sa.select(Attempt)).one()
        taker = session.get_one(Lease, (attempt.centre_id, attempt.id, 1)).station_id
        take_over(session, attempt, session.get_one(RegisteredStation, taker), now=utc_now())
    office.serve()

    def aside() -> int:
        with db.reading(office.engine) as session:
            conflict = session.scalars(sa.select(LeaseConflict)).one_or_none()
            return 0 if conflict is None else conflict.tip_sequence

    other.qtbot.waitUntil(lambda: aside() == 4, timeout=30_000)
    before = other.screen.sitting
    other.switch_off()
    other.switch_on()
    assert other.until(Writing, 40).sitting.responses == before.responses
    other.act(events.UserAnswered("d", NumericResponse("-1,5")))
    other.qtbot.waitUntil(lambda: len(other.screen.sitting.responses) == 4, timeout=60_000)
    last = other.kiosk.runner._work._desk.last_record
    other.qtbot.waitUntil(lambda: aside() == last.sequence, timeout=30_000)
    given = other.screen.sitting.responses
    assert len(given) == 4 and len(answers(office)) == 1  # the other one counts so far
    with db.reading(office.engine) as session:
        conflict = session.scalars(sa.select(LeaseConflict.id)).one()
    office.act(
        settling.settle, conflict, side=Side.CLAIMANT, reason="biên bản số 7", keys=office.keys
    )
    assert answers(office) == given
    other.act(events.UserAskedSubmit())
    other.until(ConfirmSubmit)
    other.act(events.UserConfirmedSubmit())
    assert other.until(ReceiptShown, 40).receipt.answered == 4
    sound(office)


FORGERIES = (
    ({"signing_seed": b"f" * 32}, "not signed by the station"),
    ({"signing_seed": b"f" * 32, "station": "stranger"}, "of no station of this room"),
)


def forged(kiosk: Station, attempt: str, stick: Path, change: dict[str, Any]) -> None:
    """A whole move of a copied journal, by somebody who lacks the station's key."""
    data = kiosk.settings.data
    vault = Vault.load(data, unlock_secret(kiosk.environ, data))
    copy = shutil.copytree(data, stick.with_suffix(".copy"))
    move_out(
        AttemptFolder(copy, attempt), stick, vault=replace(vault, **change), seat=None, ledger=None,
        now=utc_now(),
    )  # fmt: skip


@pytest.mark.usefixtures("unlocked")
def test_what_is_carried_must_be_whole_of_one_move_and_for_another_station_of_the_room(
    station: Station,
    other: Station,
    office: Office,
    chip: Chip,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    other.switch_on()
    writing(station, office, chip)
    kits = other.kiosk.runner._work._kits
    other.qtbot.waitUntil(lambda: kits.kit() is not None, timeout=60_000)
    station.switch_off()
    other.switch_off()
    data, into = str(station.settings.data), str(other.settings.data)
    stick = tmp_path / "stick"

    def said(*arguments: str) -> str:
        assert main(list(arguments)) == 2
        return capsys.readouterr().err

    assert "holds no move-token" in said("move-in", "--data", into, str(stick))
    assert "under way here: none" in said("move-out", "--data", into, "--to", str(stick))
    for change, refusal in FORGERIES:
        forged(station, office.attempt().id, tmp_path / refusal, change)
        assert refusal in said("move-in", "--data", into, str(tmp_path / refusal))
    out = ["move-out", "--data", data, "--to", str(stick), "--seat", "09"]
    assert main(out) == 0
    assert main(out) == 0  # the same token again
    assert "this very station" in said("move-in", "--data", data, str(stick))
    assert "sent to seat 09" in said("move-in", "--data", into, str(stick))
    kept = (stick / "journal").read_bytes()
    (stick / "journal").write_bytes(kept[:-1])
    assert "not of one move" in said("move-in", "--data", into, str(stick))
    (stick / "journal").write_bytes(kept[:200] + bytes([kept[200] ^ 1]) + kept[201:])
    assert "is damaged" in said("move-in", "--data", into, str(stick))
    attempt = office.attempt().id
    sealed = journal_file.read(AttemptFolder(station.settings.data, attempt).journal.read_bytes())
    assert sealed.moved is not None and sealed.moved.token.seat == "09"
    station.switch_on()
    assert station.until(Notice, 20).code is NoticeCode.CARRIED_AWAY
