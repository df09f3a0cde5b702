"""Attempts that were left on this station with something the server has not got yet.

A candidate who handed in without network has gone when it comes back, and somebody else may sit
here: what is owed is sent behind their back, one attempt after the other, until each has its
receipt.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from exam_server.contract.errors import ContractError
from exam_station.attempt_folder import AttemptFolder
from exam_station.client import ClientError
from exam_station.desk import Desk
from exam_station.flow.codes import NoticeCode
from exam_station.stopping import FINAL, TOO_LATE, StoppedError

log = logging.getLogger("exam_station")

#: Troubles of this machine that may be over the next time.
PASSING = (NoticeCode.DISK_FULL, NoticeCode.DISK_FAILED, NoticeCode.JOURNAL_IN_USE)

#: The server keeps what it was sent as evidence, and has all of it.
SET_ASIDE = tuple(FINAL[code] for code in TOO_LATE)


class Backlog:
    """`desk` is one of its own; `is_open` tells the attempt that lies on the candidate's desk,
    which sends for itself."""

    def __init__(self, data: Path, desk: Desk, *, is_open: Callable[[str], bool]) -> None:
        self._data = data
        self._desk = desk
        self._is_open = is_open
        self._left_to_people: set[str] = set()
        self._told: set[str] = set()  # the server has all that it takes of them

    def owed(self) -> list[str]:
        """The attempts of which the server may lack something that lies here, by name. Nobody sees
        them on this screen, so the server is told of them."""
        try:
            return [one.attempt for one in self._left() if one.attempt not in self._told]
        except OSError as error:
            log.error("it cannot be read what is left here: %s", error)
            return []

    def settle(self) -> None:
        """Sends what can be sent."""
        for folder in self._left():
            if folder.attempt not in self._left_to_people:
                self._settle(folder.attempt)

    def _left(self) -> list[AttemptFolder]:
        found = []
        for folder in AttemptFolder.all(self._data):
            if self._is_open(folder.attempt):
                self._told.discard(folder.attempt)  # something new may be written
            elif folder.lease() is not None and folder.receipt() is None:
                found.append(folder)
        return found

    def _settle(self, attempt: str) -> None:
        try:
            self._desk.settle(attempt)
            self._told.add(attempt)
        except StoppedError as error:
            if error.code in PASSING:
                log.warning("an attempt that was left here waits for this machine: %s", error)
                return
            # Asking again changes nothing.
            log.error("an attempt that was left here is for people to settle: %s", error)
            self._left_to_people.add(attempt)
            if error.code in SET_ASIDE:
                self._told.add(attempt)
        except (ClientError, ContractError, OSError) as error:
            log.warning("an attempt that was left here is still to be sent: %s", error)
