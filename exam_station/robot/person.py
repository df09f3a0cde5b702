"""The person before a robot's kiosk: looks at the screen, thinks, and does what it asks for.

Pure but for its random numbers, which come from the run's seed and the seat's number.
"""

import random
from dataclasses import dataclass

from exam_station.flow import events
from exam_station.flow.offline import is_beyond_doubt
from exam_station.flow.screens import (
    ConfirmSubmit,
    Consent,
    Notice,
    ProctorConfirms,
    ReceiptShown,
    RoomCodeAsked,
    Screen,
    StartCodeAsked,
    Waiting,
    Writing,
)
from exam_station.robot import answers
from exam_station.robot.plan import Codes
from exam_station.sitting import Sitting
from question_bank.package import PresentedItem
from question_bank.response import Response

#: Of a hundred acts on a paper, so many turn to another item, and so many mark one.
VISITS, FLAGS = 20, 10


@dataclass(frozen=True, slots=True)
class Manner:
    """`think`: mean seconds between acts; `changes`: after so many the person hands in."""

    think: float
    changes: int


class Person:
    """One candidate, and with `codes` the proctor who lets them in without network. `act` is asked
    when `due` has come."""

    def __init__(self, manner: Manner, seed: str, codes: Codes | None = None) -> None:
        self._manner = manner
        self._random = random.Random(seed)  # noqa: S311 - a simulated person, no secret
        self._made = 0
        self._codes = codes

    def comes(self, *, connected: bool) -> bool:
        """Whether the card is tapped now: with codes, once there is no network."""
        return self._codes is None or not connected

    def pause(self) -> float:
        """Seconds until the next act: half to one and a half times the mean."""
        return self._manner.think * (0.5 + self._random.random())

    def act(self, screen: Screen) -> events.UserEvent | None:
        """What the person does about `screen`, None where there is nothing but to wait."""
        match screen:
            case Consent():
                return events.UserAgreed()
            case Writing(sitting=sitting):
                return self._write(sitting)
            case ConfirmSubmit():
                return events.UserConfirmedSubmit()
            case Notice(retry=True):
                return events.UserRetry()
        return self._proctor(screen, self._codes) if self._codes is not None else None

    @staticmethod
    def _proctor(screen: Screen, codes: Codes) -> events.UserEvent | None:
        """What a proctor with the room's codes does at the kiosk."""
        match screen:
            case RoomCodeAsked(checking=False):
                return events.UserTypedCode(codes.room)
            case ProctorConfirms(storing=False, reading=reading, face=face):
                if is_beyond_doubt(reading, face):
                    return events.UserConfirmedCheckIn()
                return events.UserTypedCode(codes.room)
            case Waiting():
                return events.UserGoesOffline()
            case StartCodeAsked(checking=False):
                return events.UserTypedCode(codes.start)
        return None

    def _write(self, sitting: Sitting) -> events.UserEvent:
        if self._made >= self._manner.changes:
            return events.UserAskedSubmit()
        self._made += 1
        item = self._random.choice(sitting.open_items)
        kind = self._random.randrange(100)
        if kind < VISITS:
            return events.UserWentTo(item.id)
        if kind < VISITS + FLAGS:
            return events.UserFlagged(item.id, item.id not in sitting.flags)
        return events.UserAnswered(item.id, self._response(item))

    def _response(self, item: PresentedItem) -> Response:
        return answers.response_to(item.interaction, self._random)


def is_over(screen: Screen) -> bool:
    """Whether nothing more will come of this kiosk: a receipt, or a trouble only people can end."""
    return isinstance(screen, ReceiptShown) or (isinstance(screen, Notice) and not screen.retry)
