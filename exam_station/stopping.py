"""What ends the writing at this station until a person helps: the server's word, or the disk's."""

from collections.abc import Callable
from typing import TypeVar

from exam_server.contract.errors import ErrorCode
from exam_station.client import ServerRefusedError
from exam_station.flow.codes import NoticeCode
from exam_station.journal import (
    JournalDamagedError,
    JournalError,
    JournalFullError,
    JournalInUseError,
    JournalUnwritableError,
)

Result = TypeVar("Result")

#: Refusals that no repetition changes.
FINAL = {
    ErrorCode.LEASE_SUPERSEDED: NoticeCode.TAKEN_OVER,
    ErrorCode.PLACEMENT_ELSEWHERE: NoticeCode.MOVED,
    ErrorCode.ATTEMPT_CLOSED: NoticeCode.ATTEMPT_CLOSED,
    ErrorCode.SHIFT_CLOSED: NoticeCode.ATTEMPT_CLOSED,
    ErrorCode.RECORD_REJECTED: NoticeCode.SERVER_REFUSES,
    ErrorCode.WRONG_PROGRAM: NoticeCode.WRONG_PROGRAM,
    ErrorCode.NOT_ADMITTED: NoticeCode.SERVER_REFUSES,
    ErrorCode.NOT_FOUND: NoticeCode.SERVER_REFUSES,
}

#: Refusals of what is genuine but too late: the server sets such batches aside as evidence.
TOO_LATE = (ErrorCode.LEASE_SUPERSEDED, ErrorCode.ATTEMPT_CLOSED, ErrorCode.SHIFT_CLOSED)

_DISK = {
    JournalFullError: NoticeCode.DISK_FULL,
    JournalUnwritableError: NoticeCode.DISK_FAILED,
    JournalInUseError: NoticeCode.JOURNAL_IN_USE,
    JournalDamagedError: NoticeCode.JOURNAL_DAMAGED,
}


class StoppedError(Exception):
    """A person must help; `code` is what the kiosk shows."""

    def __init__(self, code: NoticeCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def judged(refusal: ServerRefusedError) -> Exception:
    """The refusal itself where trying again may help, else the StoppedError that it means."""
    code = FINAL.get(refusal.code)
    return refusal if code is None else StoppedError(code, str(refusal))


def asked(call: Callable[[], Result]) -> Result:
    """What the server answers to `call`; a refusal is `judged`."""
    try:
        return call()
    except ServerRefusedError as refusal:
        raise judged(refusal) from refusal


def stopped_by(error: JournalError) -> StoppedError:
    return StoppedError(_DISK.get(type(error), NoticeCode.JOURNAL_DAMAGED), str(error))
