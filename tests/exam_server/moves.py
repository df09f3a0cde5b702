"""Candidates who are moved: a chip admitted at one seat, the move, the tap at another."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from kiosk import Desk, Kiosk
from server_world import BACH, FIRST, World

from card_reader.simulator.profile import CardProfile
from exam_server.centres.models import Room, Seat
from exam_server.shifts.models import Placement
from exam_server.shifts.service import move_placement

Issue = Callable[..., CardProfile]


@dataclass
class Candidate:
    """Bách, admitted by his chip at P.101/01, writing there."""

    world: World
    card: CardProfile
    desk: Desk
    placement: str

    @property
    def attempt(self) -> str:
        return self.desk.view.attempt

    def move(self, room: str = "P.102", seat: str = "06", head_code: str = "") -> Kiosk:
        """To another seat, which is made free; the station there."""
        world = self.world
        with world.server.transaction() as session:
            row = session.scalars(
                sa.select(Seat)
                .join(Room, Room.id == Seat.room_id)
                .where(Room.name == room, Seat.name == seat)
            ).one()
            session.execute(
                sa.delete(Placement).where(
                    Placement.seat_id == row.id, Placement.id != self.placement
                )
            )
            move_placement(
                session, self.placement, seat_id=row.id, officer=FIRST, reason="hỏng máy",
                head_code=head_code, now=world.clock.now,
            )  # fmt: skip
        return world.kiosk(seat, room)

    def take_over(self, kiosk: Kiosk) -> Desk:
        """The tap at the new seat, and the lease there."""
        self.world.clock.pass_by(seconds=5)
        kiosk.check_in(self.card)
        return kiosk.lease(self.attempt)


def writing(world: World, issue: Issue) -> Candidate:
    """The shift has started and the paper is open."""
    world.open_shift()
    kiosk, card = world.kiosk(), issue(BACH)
    view = kiosk.check_in(card)
    assert view.attempt is not None
    world.start_shift()
    desk = kiosk.lease(view.attempt)
    kiosk.open_form(view.attempt)
    return Candidate(world, card, desk, view.placement)
