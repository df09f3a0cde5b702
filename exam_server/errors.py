"""What the server's services raise; every message is one line that says what to do."""

from enum import StrEnum

from exam_server.contract.errors import ErrorCode


class ServerError(Exception):
    """The root. Its text is fit to be shown to whoever asked."""


class RefusedError(ServerError):
    """A station's request that is refused; becomes a `contract.api.Refusal`."""

    def __init__(self, code: ErrorCode, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


def busy(seconds: float) -> RefusedError:
    """What a station is told that is to come again in `seconds`."""
    return RefusedError(ErrorCode.TOO_BUSY, "busy; ask again", retry_after=seconds)


class Objection(StrEnum):
    """Why an officer's wish cannot be done. A closed list; pages translate it."""

    NOT_FOUND = "not_found"
    NOT_CARRIED = "not_carried"
    WRONG_STATE = "wrong_state"
    REASON_MISSING = "reason_missing"
    SAME_OFFICER = "same_officer"
    TWO_OFFICERS_NEEDED = "two_officers_needed"
    SECOND_PERSON_NEEDED = "second_person_needed"
    ROLE_MISSING = "role_missing"
    CHIP_REFUSED = "chip_refused"
    ALREADY_ADMITTED = "already_admitted"
    TOO_LATE = "too_late"
    UNDO_OVER = "undo_over"
    TOO_EARLY = "too_early"
    SEAT_TAKEN = "seat_taken"
    BAD_VALUE = "bad_value"
    NOTHING_TO_DO = "nothing_to_do"
    PUBLISHED = "published"
    NOT_ADOPTABLE = "not_adoptable"
    LATE_ANSWERS = "late_answers"
    OTHER_CONFLICT_FIRST = "other_conflict_first"
    MAY_LACK_ANSWERS = "may_lack_answers"
    CHANGED_MEANWHILE = "changed_meanwhile"
    OWN_ITEM = "own_item"
    AWAITING_MARKS = "awaiting_marks"
    ANSWER_CHANGED = "answer_changed"
    TOO_MANY_ITEMS = "too_many_items"
    NOT_WRITTEN = "not_written"
    WRITER_FAILED = "writer_failed"
    FILE_OUTDATED = "file_outdated"


class NotPossibleError(ServerError):
    """An officer's wish that cannot be done as things stand."""

    def __init__(self, objection: Objection, message: str) -> None:
        super().__init__(message)
        self.objection = objection


class InputError(ServerError):
    """A file, folder or argument that cannot be used. `problems` names every fault, a line each."""

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems
