"""Shifts go one way; neighbours never have the same form."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from server_world import FIRST, World

from exam_server.audit import AuditEntry
from exam_server.centres.models import Seat
from exam_server.contract.api import ShiftState
from exam_server.errors import NotPossibleError, Objection
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.service import form_index, start_shift
from tests.databases import row_of


@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 48), st.integers(0, 2**32))
def test_neighbours_have_different_forms(row: int, column: int, forms: int, offset: int) -> None:
    own = form_index(row, column, forms, offset)
    assert 0 <= own < forms
    beside = [(row, column + 1), (row + 1, column)]
    across = [(row + 1, column + 1), (row + 1, column - 1)] if forms >= 4 else []
    for other_row, other_column in beside + across:
        assert form_index(other_row, other_column, forms, offset) != own


def test_the_demo_room_is_mixed(world: World) -> None:
    with world.server.reading() as session:
        rows = session.execute(
            sa.select(Placement.form_id, Seat.room_id, Seat.row, Seat.column).join(
                Seat, Seat.id == Placement.seat_id
            )
        ).all()
    assert all(row.form_id for row in rows)
    for one in rows:
        for other in rows:
            near = one.room_id == other.room_id and one != other
            if near and abs(one.row - other.row) <= 1 and abs(one.column - other.column) <= 1:
                assert one.form_id != other.form_id


def test_a_shift_goes_one_way(world: World) -> None:
    def state() -> ShiftState:
        with world.server.reading() as session:
            return session.scalars(sa.select(Shift.state)).one()

    with pytest.raises(NotPossibleError):
        world.start_shift()
    world.open_shift()
    assert state() is ShiftState.OPEN
    with pytest.raises(NotPossibleError):
        world.open_shift()
    with pytest.raises(NotPossibleError):
        world.close_shift()
    world.start_shift()
    with pytest.raises(NotPossibleError):
        world.start_shift()
    world.close_shift()
    assert state() is ShiftState.CLOSED
    with pytest.raises(NotPossibleError):
        world.open_shift()


def test_nobody_starts_long_before_the_printed_time_without_a_reason(world: World) -> None:
    def start(reason: str = "") -> None:
        with world.server.transaction() as session:
            start_shift(
                session, world.shift_id, officer=FIRST, now=world.clock.now, early_reason=reason
            )

    world.open_shift()
    with world.server.transaction() as session:
        shift = row_of(session, Shift, world.shift_id)
        shift.starts_at = world.clock.now + timedelta(minutes=5, seconds=1)
    for reason in ("", "  "):
        with pytest.raises(NotPossibleError) as objection:
            start(reason)
        assert objection.value.objection is Objection.TOO_EARLY
    start("mưa bão, hội đồng thi quyết định")
    with world.server.reading() as session:
        last = session.scalars(
            sa.select(AuditEntry.details).where(AuditEntry.action == "shift_started")
        ).one()
    assert "mưa bão" in last
