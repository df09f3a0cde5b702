"""The server's words for a seat in the words of the screens."""

from exam_server.contract.api import PlacementView, SeatView
from exam_station.flow.screens import Candidate, Place


def candidate(placement: PlacementView) -> Candidate:
    return Candidate(
        placement=placement.id,
        registration_number=placement.registration_number,
        name=placement.candidate_name,
        date_of_birth=placement.date_of_birth,
        paper=placement.paper,
        minutes=placement.minutes,
        sequential=placement.sequential,
    )


def place(view: SeatView) -> Place | None:
    """None where the station has no seat."""
    if view.centre is None or view.room is None or view.seat is None:
        return None
    return Place(view.centre, view.room, view.seat)
