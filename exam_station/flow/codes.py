"""The kiosk's closed sets of codes: languages, and why it cannot serve, read or go on.

`docs/codes.md` lists them; the texts of the screens are looked up by them.
"""

from enum import StrEnum


class Language(StrEnum):
    VI = "vi"
    EN = "en"


class Problem(StrEnum):
    """Why the kiosk cannot serve; the screen names each with what to do."""

    NOT_ENROLLED = "not_enrolled"
    NO_SERVER = "no_server"
    NO_SEAT = "no_seat"
    WRONG_REALM = "wrong_realm"
    WRONG_PROGRAM = "wrong_program"
    PACKAGES_MISSING = "packages_missing"
    SERVER_REFUSES = "server_refuses"
    NO_CARD_SERVICE = "no_card_service"
    NO_READER = "no_reader"
    NO_CAMERA = "no_camera"
    NO_FACE_MODEL = "no_face_model"
    DISK_FULL = "disk_full"


class CardTrouble(StrEnum):
    """Why a tap came to nothing; the candidate may try again.

    The lower block repeats the codes of `card_reader.errors.CardReason` that a tap can meet
    (`exam_station.identity`).
    """

    NO_SERVER = "no_server"
    SERVER_REFUSES = "server_refuses"
    TOO_SLOW = "too_slow"
    NO_IDENTITY_DATA = "no_identity_data"

    NO_SERVICE = "no_service"
    NO_READER = "no_reader"
    NO_CARD = "no_card"
    CARD_REMOVED = "card_removed"
    READER_BUSY = "reader_busy"
    READER_FAILED = "reader_failed"
    ACCESS_DENIED = "access_denied"
    NOT_AN_EMRTD = "not_an_emrtd"
    CHIP_ANSWERED_WRONGLY = "chip_answered_wrongly"
    SECURE_MESSAGING_BROKEN = "secure_messaging_broken"
    FILE_MISSING = "file_missing"
    FILE_PROTECTED = "file_protected"
    MALFORMED_FILE = "malformed_file"
    MALFORMED_APDU = "malformed_apdu"
    MALFORMED_CERTIFICATE = "malformed_certificate"
    MALFORMED_EVIDENCE = "malformed_evidence"
    TOO_LARGE = "too_large"
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"


class NoticeCode(StrEnum):
    """Why writing cannot go on here; all call for the proctor."""

    MOVED = "moved"
    TAKEN_OVER = "taken_over"
    CARRIED_AWAY = "carried_away"
    ATTEMPT_CLOSED = "attempt_closed"
    ALREADY_SUBMITTED = "already_submitted"
    ANSWERS_ELSEWHERE = "answers_elsewhere"
    PACKAGE_DAMAGED = "package_damaged"
    JOURNAL_DAMAGED = "journal_damaged"
    JOURNAL_IN_USE = "journal_in_use"
    DISK_FULL = "disk_full"
    DISK_FAILED = "disk_failed"
    SERVER_REFUSES = "server_refuses"
    WRONG_PROGRAM = "wrong_program"
    PROGRAM_FAILED = "program_failed"
