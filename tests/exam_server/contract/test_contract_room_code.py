"""The room code: typed by tired people, and what it proves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exam_server.contract.errors import ContractError
from exam_server.contract.room_code import SECRET_BYTES, RoomCode
from exam_server.contract.start_code import ALPHABET

SECRETS = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)
STATION = bytes(range(32))


@given(SECRETS)
def test_a_code_comes_back_however_it_is_typed(secret: bytes) -> None:
    text = RoomCode(secret).text
    assert RoomCode.from_text(text).secret == secret
    typed = text.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert RoomCode.from_text(f"  {typed} ").secret == secret


@given(SECRETS, st.integers(0, 9), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_hardly_ever_taken(secret: bytes, place: int, wrong: str) -> None:
    typed = list(RoomCode(secret).text.replace("-", ""))
    if typed[place] == wrong:
        return
    typed[place] = wrong
    try:
        taken = RoomCode.from_text("".join(typed))
    except ContractError:
        return
    assert taken.secret != secret  # 1 in 1024 passes the check characters: then the digest differs
    assert taken.digest("s", "r") != RoomCode(secret).digest("s", "r")


@pytest.mark.parametrize("text", ["", "12345", "1234567890A", "12345-6789?", "ÀBCDE-FGHJK"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match=r"ten letters and digits|mistyped"):
        RoomCode.from_text(text)


def test_challenge_and_confirmation_are_of_one_station_placement_and_count() -> None:
    code, other = RoomCode(b"abcde"), RoomCode(b"abcdf")
    challenge = code.challenge(STATION, "p1", 1)
    assert len(challenge) == 8
    others = {
        other.challenge(STATION, "p1", 1),
        code.challenge(bytes(32), "p1", 1),
        code.challenge(STATION, "p2", 1),
        code.challenge(STATION, "p1", 2),
    }
    assert challenge not in others and len(others) == 4
    word = code.confirmation(STATION, "p1", bytes(32))
    assert word not in (
        other.confirmation(STATION, "p1", bytes(32)),
        code.confirmation(STATION, "p1", bytes([1]) + bytes(31)),
        code.confirmation(STATION, "p2", bytes(32)),
    )


def test_digests_are_of_one_room_and_shift() -> None:
    code = RoomCode(b"abcde")
    assert len({code.digest("s", "r"), code.digest("s", "q"), code.digest("t", "r")}) == 3
