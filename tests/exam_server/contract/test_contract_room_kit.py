"""The room kit: opens for its station alone, and its packages with the start secret alone."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from exam_server.contract.errors import ContractError
from exam_server.contract.room_kit import (
    KitPackage,
    Place,
    RoomKit,
    RoomStation,
    check,
    lease_key,
    lock_content_key,
    open_kit,
)

SERVER = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
STATION = X25519PrivateKey.from_private_bytes(b"\x02" * 32)
START_SECRET = bytes(range(13))
CONTENT_KEY = b"\x05" * 32

names = st.text(min_size=1, max_size=20)
keys = st.binary(min_size=32, max_size=32)
places = st.builds(
    Place,
    seat=names,
    placement=names,
    registration_number=names,
    candidate_name=names,
    date_of_birth=st.dates(),
    citizen_number=st.none() | names,
    paper=names,
    allowance=st.integers(0, 86400).map(lambda seconds: timedelta(seconds=seconds)),
    attempt=names,
    code=names,
    package=names,
    sequential=st.booleans(),
    attempt_key=keys,
)
packages = st.builds(
    KitPackage, id=names, sha256=keys, size=st.integers(0, 2**31 - 1), locked_key=keys
)
kits = st.builds(
    RoomKit,
    realm=st.sampled_from(["test", "live"]),
    shift=names,
    room=names,
    station=names,
    exam=names,
    shift_name=names,
    centre=names,
    room_name=names,
    seat=names,
    starts_at=st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
    late_limit=st.integers(0, 7200).map(lambda seconds: timedelta(seconds=seconds)),
    programs=st.lists(names, max_size=2).map(tuple),
    shift_secret=keys,
    room_code_digest=keys,
    places=st.lists(places, max_size=3).map(tuple),
    packages=st.lists(packages, max_size=3).map(tuple),
    stations=st.lists(st.builds(RoomStation, names, keys), max_size=3).map(tuple),
)


def a_kit() -> RoomKit:
    place = Place(
        seat="A1",
        placement="p1",
        registration_number="010001",
        candidate_name="Nguyễn Thị Hoa",
        date_of_birth=date(2008, 5, 17),
        citizen_number="001308000017",
        paper="Toán",
        allowance=timedelta(minutes=90),
        attempt="a1",
        code="0101",
        package="g1",
        sequential=False,
        attempt_key=b"\x03" * 32,
    )
    locked = lock_content_key(CONTENT_KEY, START_SECRET, shift="s1", package="g1")
    return RoomKit(
        realm="test",
        shift="s1",
        room="r1",
        station="t1",
        exam="Thi thử",
        shift_name="Sáng",
        centre="Điểm thi số 1",
        room_name="P.101",
        seat="A1",
        starts_at=datetime(2026, 6, 11, 0, 30, tzinfo=UTC),
        late_limit=timedelta(minutes=15),
        programs=("0.3.0",),
        shift_secret=b"\x04" * 32,
        room_code_digest=b"\x05" * 32,
        places=(place,),
        packages=(KitPackage("g1", hashlib.sha256(b"sealed").digest(), 6, locked),),
        stations=(RoomStation("t1", b"\x06" * 32), RoomStation("t2", b"\x07" * 32)),
    )


@given(kit=kits)
def test_what_is_sealed_opens_as_it_was(kit: RoomKit) -> None:
    opened = open_kit(kit.seal(STATION.public_key(), SERVER), SERVER.public_key(), STATION)
    assert opened == kit
    assert opened.version == kit.version


@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_bit_of_a_kit_can_be_changed(place: int, bit: int) -> None:
    data = bytearray(SEALED)
    data[place % len(data)] ^= 1 << bit
    with pytest.raises(ContractError):
        open_kit(bytes(data), SERVER.public_key(), STATION)


SEALED = a_kit().seal(STATION.public_key(), SERVER)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_kit_or_our_error(data: bytes) -> None:
    with pytest.raises(ContractError):
        open_kit(data, SERVER.public_key(), STATION)


def test_a_kit_opens_for_its_station_and_from_its_server_alone() -> None:
    with pytest.raises(ContractError, match="holder"):
        open_kit(SEALED, SERVER.public_key(), X25519PrivateKey.generate())
    with pytest.raises(ContractError, match="signed"):
        open_kit(SEALED, Ed25519PrivateKey.generate().public_key(), STATION)


def test_the_sealed_kit_shows_no_person_and_no_key() -> None:
    kit = a_kit()
    hidden = (kit.places[0].candidate_name.encode(), b"001308000017", b"010001")
    for secret in (*hidden, kit.shift_secret, kit.places[0].attempt_key, CONTENT_KEY):
        assert secret not in SEALED
    header, _ = check(SEALED, SERVER.public_key())
    assert header == kit.header


@pytest.mark.parametrize(
    "change",
    [
        {"seat": "A2"},
        {"starts_at": datetime(2026, 6, 11, 0, 31, tzinfo=UTC)},
        {"late_limit": timedelta(0)},
        {"programs": ()},
        {"places": ()},
        {"packages": ()},
        {"stations": ()},
    ],
)
def test_whatever_changes_is_another_version(change: dict[str, object]) -> None:
    kit = a_kit()
    assert replace(kit, **change).version != kit.version  # type: ignore[arg-type] - any field


def test_the_start_secret_of_this_room_opens_and_no_other() -> None:
    kit = a_kit()
    assert kit.content_key("g1", START_SECRET) == CONTENT_KEY
    assert kit.opens_with(START_SECRET)
    assert not kit.opens_with(bytes(13))
    with pytest.raises(ContractError, match="start secret"):
        kit.content_key("g1", bytes(13))
    with pytest.raises(ContractError, match="start secret"):
        replace(kit, shift="s2").content_key("g1", START_SECRET)
    with pytest.raises(ContractError, match="no such package"):
        kit.content_key("g2", START_SECRET)


def test_a_kit_without_packages_opens_with_nothing() -> None:
    assert not replace(a_kit(), packages=()).opens_with(START_SECRET)


def test_a_station_of_the_room_is_known_by_its_key_and_no_other_station() -> None:
    kit = a_kit()
    assert kit.signing_key_of("t2").public_bytes_raw() == b"\x07" * 32
    with pytest.raises(ContractError, match="no such station"):
        kit.signing_key_of("t3")


def test_each_lease_has_a_key_of_its_own() -> None:
    kit = a_kit()
    held = kit.writing_keys("a1", 1)
    assert held.lease_key == lease_key(kit.shift_secret, "a1", 1)
    others = {lease_key(kit.shift_secret, "a1", 2), lease_key(kit.shift_secret, "a2", 1)}
    assert len({held.lease_key, lease_key(b"\x06" * 32, "a1", 1), *others}) == 4
    with pytest.raises(ContractError, match="no such attempt"):
        kit.writing_keys("a2", 1)


def test_a_place_is_described_as_the_server_describes_it() -> None:
    view = a_kit().places[0].view()
    assert (view.minutes, view.attempt, view.candidate_name) == (90, None, "Nguyễn Thị Hoa")
