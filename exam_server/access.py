"""Who may do what: one table. Whatever is not in it is forbidden."""

from enum import StrEnum
from types import MappingProxyType

from exam_server.staff import Role


class Permission(StrEnum):
    """What a page or an action needs."""

    SIGN_IN = "sign_in"
    USE_PAGES = "use_pages"
    WATCH_ROOMS = "watch_rooms"
    SEE_PICTURES = "see_pictures"
    DECIDE_IDENTITY = "decide_identity"
    CHECK_IN_BY_HAND = "check_in_by_hand"
    KEEP_TIME = "keep_time"
    ARRANGE_TIME = "arrange_time"
    MOVE_CANDIDATES = "move_candidates"
    RUN_SHIFTS = "run_shifts"
    START_EARLY = "start_early"
    SEE_CODES = "see_codes"
    SEE_START_CODE_EARLY = "see_start_code_early"
    FREEZE_PROGRAM = "freeze_program"
    SEE_STATIONS = "see_stations"
    SETTLE_RECORDS = "settle_records"
    SEE_RESULTS = "see_results"
    GRADE = "grade"
    PUBLISH_RESULTS = "publish_results"
    CLEAR_RESULTS = "clear_results"
    MARK_ANSWERS = "mark_answers"
    SEE_AUDIT = "see_audit"
    SEE_TRUST = "see_trust"
    SEE_ITEMS = "see_items"
    WRITE_ITEMS = "write_items"


_EVERYBODY = frozenset({Permission.SIGN_IN})
_STAFF = _EVERYBODY | {Permission.USE_PAGES}
_PROCTOR = _STAFF | {
    Permission.WATCH_ROOMS,
    Permission.SEE_PICTURES,
    Permission.DECIDE_IDENTITY,
    Permission.CHECK_IN_BY_HAND,
    Permission.KEEP_TIME,
    Permission.MOVE_CANDIDATES,
    Permission.RUN_SHIFTS,
    Permission.SEE_CODES,
    Permission.SEE_STATIONS,
}
_EXAM_OFFICE = _PROCTOR | {
    Permission.START_EARLY,
    Permission.SEE_START_CODE_EARLY,
    Permission.ARRANGE_TIME,
    Permission.SETTLE_RECORDS,
    Permission.FREEZE_PROGRAM,
    Permission.SEE_RESULTS,
    Permission.GRADE,
    Permission.PUBLISH_RESULTS,
    Permission.CLEAR_RESULTS,
    Permission.SEE_AUDIT,
    Permission.SEE_TRUST,
    Permission.SEE_ITEMS,
}

#: By role; None is somebody who has not signed in.
GRANTED = MappingProxyType(
    {
        None: _EVERYBODY,
        Role.PROCTOR: _PROCTOR,
        Role.EXAM_OFFICE: _EXAM_OFFICE,
        # Which items, their subjects say (`exam_server.items.rights`).
        Role.ITEM_WRITER: _STAFF | {Permission.SEE_ITEMS, Permission.WRITE_ITEMS},
        Role.REVIEWER: _STAFF | {Permission.SEE_ITEMS},
        # Of which subjects, the same table says.
        Role.MARKER: _STAFF | {Permission.MARK_ANSWERS},
        Role.TECHNICIAN: _STAFF | {Permission.SEE_STATIONS},
        Role.ADMINISTRATOR: _STAFF
        | {Permission.SEE_STATIONS, Permission.SEE_AUDIT, Permission.SEE_TRUST},
    }
)


def allowed(role: Role | None, permission: Permission) -> bool:
    return permission in GRANTED.get(role, frozenset())
