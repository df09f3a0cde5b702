"""The room code of a room in a shift: told to its proctors on the day, stored nowhere."""

from functools import lru_cache

from exam_server.contract.room_code import SECRET_BYTES, RoomCode
from exam_server.keys import ServerKeys
from exam_server.sealing import Derived


def room_code_of(keys: ServerKeys, *, shift: str, room: str) -> RoomCode:
    """Always the same for this shift and room."""
    return RoomCode(keys.sealing.derive(Derived.ROOM_CODE, shift, room)[:SECRET_BYTES])


@lru_cache(maxsize=4096)
def code_digest(code: RoomCode, shift: str, room: str) -> bytes:
    """`RoomCode.digest`, which is made slow on purpose, once for all stations of a room."""
    return code.digest(shift, room)
