"""A room's two codes for the case that there is no network, and who may see which of them when.

Every look is written to the log, with the code that was shown.
"""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from exam_server import audit
from exam_server.audit import Actor
from exam_server.contract import start_code
from exam_server.contract.api import ShiftState
from exam_server.errors import NotPossibleError, Objection
from exam_server.keys import ServerKeys
from exam_server.shards import anywhere
from exam_server.shifts.models import Shift
from exam_server.shifts.release import ShiftRelease
from exam_server.shifts.room_code import room_code_of


class Code(StrEnum):
    """The one for check-ins, told to the proctors on the day, and the one that opens the papers."""

    ROOM = "room"
    START = "start"


_LOGGED_AS = {Code.ROOM: "room_code_shown", Code.START: "start_code_shown"}


def may_be_seen(code: Code, shift: ShiftState, *, early: bool) -> bool:
    """`early`: the start code also before the start signal, for the exam office alone."""
    if code is Code.START and not early:
        return shift is ShiftState.STARTED
    return shift in (ShiftState.OPEN, ShiftState.STARTED)


def show(
    session: Session,
    shift_id: str,
    room_id: str,
    code: Code,
    *,
    early: bool,
    officer: Actor,
    keys: ServerKeys,
    now: datetime,
) -> str:
    """The code of a room, as people type it; `early` as in `may_be_seen`."""
    shift = anywhere(session, Shift, shift_id)
    if shift is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such shift")
    if not may_be_seen(code, shift.state, early=early):
        raise NotPossibleError(Objection.WRONG_STATE, "this code may not be seen now")
    audit.record(
        session,
        actor=officer.actor,
        action=_LOGGED_AS[code],
        subject=f"shift:{shift.id}",
        details={"room": room_id},
        now=now,
    )
    if code is Code.ROOM:
        return room_code_of(keys, shift=shift.id, room=room_id).text
    return start_code.encode(ShiftRelease(shift, keys.sealing).start_secret(room_id))
