"""The network goes in the middle of the paper, and the shift is closed without this kiosk: the real
kiosk and the real server, until the exam office has decided and the kiosk is at rest."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from real_office import Office, Station
from station_papers import FORM

from exam_server import checking, db
from exam_server.attempts import late_decisions, late_records, records_kept
from exam_server.attempts.late_records import Standing
from exam_server.attempts.models import Attempt, EvidenceRecord, IssuedReceipt
from exam_server.context import utc_now
from exam_server.contract import journal_file
from exam_server.contract.api import AttemptState
from exam_server.contract.receipt import Receipt
from exam_server.errors import NotPossibleError, Objection
from exam_server.shifts import service as shifts
from exam_station.attempt_folder import AttemptFolder
from exam_station.flow import events
from exam_station.flow.codes import NoticeCode
from exam_station.flow.screens import ConfirmSubmit, Notice, Submitting, Waiting, Welcome, Writing
from question_bank.response import ChoiceResponse, NumericResponse

pytestmark = [
    pytest.mark.slow,
    pytest.mark.qt_log_ignore("propagateSizeHints", "Corrupt JPEG data"),
]
SENT, UNSENT = {"a": ChoiceResponse(("o2",))}, {"d": NumericResponse("-1,5")}


def written_without_network(station: Station, office: Office) -> None:
    """One answer that the server has, then none that it hears of."""
    office.open()
    station.switch_on()
    station.until(Welcome)
    office.admit_by_hand()
    station.until(Waiting)
    office.start()
    station.until(Writing, 30)
    station.act(*(events.UserAnswered(item, given) for item, given in SENT.items()))
    station.qtbot.waitUntil(lambda: office.attempt().sequence >= 2, timeout=60_000)
    office.cut()
    station.qtbot.waitUntil(lambda: not station.kiosk.runner.state.status.connected, timeout=60_000)
    station.act(*(events.UserAnswered(item, given) for item, given in UNSENT.items()))


def close(office: Office, reason: str = "") -> None:
    """By the clock of the officers the time was up, and the grace over."""
    with db.transaction(office.engine) as session:
        shifts.close_shift(
            session, office.shift, officer=office.officers[0], keys=office.keys,
            grace=office.settings.grace, now=utc_now() + timedelta(minutes=FORM.minutes + 30),
            reason=reason,
        )  # fmt: skip


def answers(office: Office) -> dict[str, object]:
    attempt = office.attempt()
    with db.reading(office.engine) as session:
        return records_kept.final_responses(
            session, session.merge(attempt, load=False), office.keys
        )


def late(office: Office) -> dict[str, Standing]:
    attempt = office.attempt()
    with db.reading(office.engine) as session:
        found = late_records.late_answers(
            session, session.merge(attempt, load=False), keys=office.keys, now=utc_now()
        )
    return {one.item: one.standing for one in found}


def held_by_the_server(office: Office) -> set[bytes]:
    with db.reading(office.engine) as session:
        evidence = set(session.scalars(sa.select(EvidenceRecord.head)))
        kept = records_kept.records_of(session, session.scalars(sa.select(Attempt)).one())
        return evidence | {record.head for record in kept}


def on_disk(station: Station, office: Office) -> set[bytes]:
    """What the kiosk's disk holds of the attempt."""
    folder = AttemptFolder(station.settings.data, office.attempt().id)
    return {record.head for record in journal_file.read(folder.journal.read_bytes()).records}


def adopted(office: Office) -> None:
    office.act(
        late_decisions.decide, office.attempt().id, None, adopt=True, reason="biên bản số 5",
        keys=office.keys,
    )  # fmt: skip
    assert answers(office) == SENT | UNSENT
    with db.reading(office.engine) as session:
        receipt = Receipt.from_bytes(session.scalars(sa.select(IssuedReceipt)).one().body)
        assert receipt.answered == 2
        found = checking.check_all(session, office.keys.signing.public_key())
        assert found.faults == ()


def test_a_kiosk_that_comes_back_after_the_closing_gives_all_and_is_at_rest(
    station: Station, office: Office
) -> None:
    written_without_network(station, office)
    with pytest.raises(NotPossibleError) as caught:
        close(office)
    assert caught.value.objection is Objection.MAY_LACK_ANSWERS
    close(office, "mất mạng, phòng P01 phải giải tán")
    assert office.attempt().state is AttemptState.SUBMITTED and answers(office) == SENT
    office.serve()
    notice = station.until(Notice, 40)
    assert notice.code is NoticeCode.ATTEMPT_CLOSED and not notice.retry
    station.qtbot.waitUntil(
        lambda: on_disk(station, office) <= held_by_the_server(office), timeout=30_000
    )
    assert late(office) == {"d": Standing.ADOPTABLE} and answers(office) == SENT
    adopted(office)
    before = on_disk(station, office)
    station.switch_off()
    station.switch_on()
    assert station.until(Notice, 40).code is NoticeCode.ATTEMPT_CLOSED
    assert on_disk(station, office) == before  # nothing is thrown away, nothing written


def test_a_hand_in_without_network_that_comes_after_the_closing_is_kept_and_told_of(
    station: Station, office: Office
) -> None:
    written_without_network(station, office)
    station.act(events.UserAskedSubmit())
    station.until(ConfirmSubmit)
    station.act(events.UserConfirmedSubmit())
    station.until(Submitting)
    close(office, "mất mạng")
    office.serve()
    notice = station.until(Notice, 60)
    assert notice.code is NoticeCode.ATTEMPT_CLOSED
    station.qtbot.waitUntil(
        lambda: on_disk(station, office) <= held_by_the_server(office), timeout=30_000
    )
    assert late(office) == {"d": Standing.ADOPTABLE}
    adopted(office)


def test_a_kiosk_that_was_switched_off_meanwhile_gives_all_when_it_is_started_again(
    station: Station, office: Office
) -> None:
    written_without_network(station, office)
    station.switch_off()
    before = on_disk(station, office)
    close(office, "máy không bật lại được")
    office.serve()
    for _ in range(2):  # whenever it is started
        station.switch_on()
        assert station.until(Notice, 60).code is NoticeCode.ATTEMPT_CLOSED
        assert before <= on_disk(station, office) <= held_by_the_server(office)
        station.switch_off()
    adopted(office)
