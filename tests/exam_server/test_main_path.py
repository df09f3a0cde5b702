"""From the tap to the slip through the stations' interface, with a real chip, reader and form."""

import hashlib
from collections.abc import Callable
from decimal import Decimal

import pytest
import sqlalchemy as sa
from server_world import BACH, OFFICE, World

from card_reader.simulator.profile import CardProfile
from exam_server import checking
from exam_server.attempts.models import Attempt
from exam_server.contract.api import AttemptState, CheckInState, ShiftState
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import Opened, Submitted
from exam_server.forms import service as forms
from exam_server.forms.models import Form
from exam_server.grading.models import ItemScore
from exam_server.grading.service import grade_shift, replays
from exam_server.items import history
from exam_server.items import service as items
from exam_server.items.models import Act, ItemCard, ItemStatistic, ItemVersion
from exam_server.results.service import results_of_shift, slip
from exam_server.sealing import Sealed
from exam_server.shifts.models import Shift
from question_bank.item import ChoiceKey, ClusterKey, NumericKey
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse
from tests.databases import row_of


def right_answers(world: World, code: str) -> dict[str, dict[str, object]]:
    """Presented item id → the right response, from the server's own sealed keys."""
    with world.server.reading() as session:
        form = session.scalars(sa.select(Form).where(Form.code == code)).one()
        mapping = forms.mapping_of(form, world.server.sealing)
        versions = [(m.item_id, m.version) for m in mapping.items.values()]
        bank = items.load(session, versions, sealing=world.server.sealing)
    answers = {}
    for presented, mapped in mapping.items.items():
        back = {bank_id: shown for shown, bank_id in mapped.options.items()}
        match bank[mapped.item_id, mapped.version][1].key:
            case ChoiceKey(options=options):
                response = ChoiceResponse(tuple(back[option] for option in options))
            case ClusterKey(values=values):
                response = ClusterResponse({back[name]: truth for name, truth in values.items()})
            case NumericKey(value=value):
                response = NumericResponse(str(value).replace(".", ","))
        answers[presented] = response.to_plain()
    return answers


def test_the_whole_way_to_ten_marks(world: World, issue: Callable[..., CardProfile]) -> None:
    kiosk = world.kiosk()
    staged = kiosk.heartbeat()
    assert staged.shift is not None
    assert staged.shift.state is ShiftState.PLANNED
    assert len(staged.packages) == 4
    world.open_shift()

    view = kiosk.check_in(issue(BACH))
    assert (view.state, view.reasons) == (CheckInState.ADMITTED, [])
    assert view.attempt is not None
    desk = kiosk.lease(view.attempt)
    assert desk.view.ledger.started is None

    world.clock.pass_by(minutes=20)
    world.start_shift()
    started = world.clock.now
    form = kiosk.open_form(view.attempt)
    assert form.code == desk.view.code
    assert len(form.items) == 22
    desk.send(desk.record(Opened(form.code)))
    answers = right_answers(world, form.code)
    assert {item.id for item in form.items} == set(answers)
    for item in form.items:
        acknowledged = desk.send(desk.answer(item.id, answers[item.id]))
    assert acknowledged.sequence == 23
    assert acknowledged.ledger.started == started
    world.clock.pass_by(minutes=80)
    desk.send(desk.record(Submitted("candidate")), head=desk.signed_head())
    receipt_view = desk.submit()
    receipt = Receipt.from_bytes(receipt_view.receipt)
    receipt.check(receipt_view.signature, world.server.keys.signing.public_key())
    assert (receipt.registration_number, receipt.paper) == ("01000001", "Toán")
    assert (receipt.sequence, receipt.head, receipt.answered) == (24, desk.head, 22)
    world.close_shift()

    with world.server.transaction() as session:
        report = grade_shift(
            session,
            world.shift_id,
            officer=OFFICE,
            keys=world.server.keys,
            grace=world.server.settings.grace,
            now=world.clock.now,
        )
    assert (report.graded, report.waiting, report.problems) == (1, 0, ())
    with world.server.reading() as session:
        result = slip(session, view.attempt, keys=world.server.keys, now=world.clock.now)
        attempt = row_of(session, Attempt, view.attempt)
        assert attempt.state is AttemptState.SUBMITTED
        assert replays(session, attempt, keys=world.server.keys, now=world.clock.now)
        assert checking.check_all(session, world.server.keys.signing.public_key()).faults == ()
        rows = results_of_shift(session, world.centre_id, world.shift_id)
    assert result.total == result.maximum == Decimal("10.00")
    assert [str(part.marks) for part in result.parts] == ["3.00", "4.00", "3.00"]
    assert result.short_code == receipt_view.short_code
    assert not result.conditional
    assert [row.total for row in rows if row.attempt_id] == [Decimal("10.00")]
    assert sum(row.attempt_id is None for row in rows) == 11


def test_a_changed_answer_and_a_cleared_one_count_as_they_stand(
    world: World, issue: Callable[..., CardProfile]
) -> None:
    world.open_shift()
    kiosk = world.kiosk()
    attempt = kiosk.check_in(issue(BACH)).attempt
    assert attempt is not None
    world.start_shift()
    desk, form = kiosk.lease(attempt), kiosk.open_form(attempt)
    answers = right_answers(world, form.code)
    single, other = form.parts[0].items[:2]
    wrong = next(
        option.id
        for option in single.interaction.options
        if [option.id] != answers[single.id]["options"]
    )
    desk.send(
        desk.answer(single.id, {"kind": "single", "options": [wrong]}),
        desk.answer(single.id, answers[single.id]),
        desk.answer(other.id, answers[other.id]),
        desk.answer(other.id, None),
    )
    desk.submit()
    with world.server.reading() as session:
        assert not session.scalars(sa.select(ItemStatistic)).all()
    world.close_shift()
    with world.server.transaction() as session:
        grade_shift(
            session, world.shift_id, officer=OFFICE, keys=world.server.keys,
            grace=world.server.settings.grace, now=world.clock.now,
        )  # fmt: skip
        result = slip(session, attempt, keys=world.server.keys, now=world.clock.now)
        kept = session.scalars(sa.select(ItemScore).where(ItemScore.response.is_not(None))).all()
    assert result.total == Decimal("0.25")
    assert [score.presented_id for score in kept if score.response] == [single.id]
    _statistics_follow_the_closing(world, attempt, single.id)


def _statistics_follow_the_closing(world: World, attempt: str, right: str) -> None:
    """Once all of the shift is marked, and for what candidates were marked in."""
    for _ in range(2):  # marked again, it is counted once
        with world.server.transaction() as session:
            report = grade_shift(
                session, world.shift_id, officer=OFFICE, keys=world.server.keys,
                grace=world.server.settings.grace, now=world.clock.now,
            )  # fmt: skip
            assert report.waiting == 0
    with world.server.reading() as session:
        scores = session.scalars(sa.select(ItemScore).where(ItemScore.attempt_id == attempt)).all()
        told = session.scalars(sa.select(ItemStatistic)).all()
        assert {row.item_version_id for row in told} == {one.item_version_id for one in scores}
        (solved,) = (one.item_version_id for one in scores if one.presented_id == right)
        for row in told:
            assert row.source == f"shift:{world.shift_id}"
            wanted = (1, 1000 if row.item_version_id == solved else 0, None)
            assert (row.answers, row.difficulty, row.discrimination) == wanted
        item = session.get_one(ItemVersion, solved).item_id
        card = session.get_one(ItemCard, item)
        assert (card.answers, card.difficulty) == (1, 1000) and card.used_at is not None
        uses = history.history(session, card, sealing=world.server.sealing)
        names = [one.note for one in uses if one.act is Act.USED]
        shift = row_of(session, Shift, world.shift_id)
        assert names[-1].count(" · ") == 1 and names[0] == f"{names[-1]} · {shift.name}"


def test_nothing_opens_before_the_start(world: World, issue: Callable[..., CardProfile]) -> None:
    world.open_shift()
    kiosk = world.kiosk()
    attempt = kiosk.check_in(issue(BACH)).attempt
    assert attempt is not None
    with pytest.raises(Exception, match="lease_superseded"):
        kiosk.open_form(attempt)
    kiosk.lease(attempt)
    with pytest.raises(Exception, match="not_started"):
        kiosk.open_form(attempt)


def test_neither_keys_nor_answers_can_be_guessed_from_the_database(
    world: World, issue: Callable[..., CardProfile]
) -> None:
    """A plain hash of item and key would tell a thief of the database which option is right."""
    world.open_shift()
    kiosk = world.kiosk()
    attempt = kiosk.check_in(issue(BACH)).attempt
    assert attempt is not None
    world.start_shift()
    desk, form = kiosk.lease(attempt), kiosk.open_form(attempt)
    item = form.parts[0].items[0]
    desk.send(desk.answer(item.id, right_answers(world, form.code)[item.id]))
    desk.submit()
    world.close_shift()
    sealing = world.server.sealing
    with world.server.transaction() as session:
        grade_shift(
            session,
            world.shift_id,
            officer=OFFICE,
            keys=world.server.keys,
            grace=world.server.settings.grace,
            now=world.clock.now,
        )
        score = session.scalars(
            sa.select(ItemScore).where(
                ItemScore.attempt_id == attempt, ItemScore.presented_id == item.id
            )
        ).one()
        assert b"single" not in score.response
        assert b"single" in sealing.unseal(Sealed.RESPONSE, f"{attempt}/{item.id}", score.response)
        for row in session.scalars(sa.select(ItemVersion)):
            body = sealing.unseal(Sealed.ITEM_BODY, row.id, row.body)
            key = sealing.unseal(Sealed.ANSWER_KEY, row.id, row.answer_key)
            content = len(body).to_bytes(8, "big") + body + key
            assert row.digest not in (
                hashlib.sha256(content).digest(),
                hashlib.sha256(body + key).digest(),
            )


def test_a_kiosk_shows_the_candidates_own_time(world: World) -> None:
    """Seat 04 of the demo roster has 25 per cent extra: 112 of 90 minutes, and a half."""
    usual, longer = world.kiosk("01").heartbeat(), world.kiosk("04").heartbeat()
    assert usual.placement is not None and longer.placement is not None
    assert (usual.placement.minutes, longer.placement.minutes) == (90, 112)
