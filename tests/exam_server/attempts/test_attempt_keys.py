"""Keys that follow from the master: the same on both sides, and no two alike."""

from collections.abc import Callable

from exam_server.attempts.keys import (
    attempt_id_of,
    attempt_key_of,
    lease_key_of,
    shift_secret_of,
)
from exam_server.contract import room_kit
from exam_server.keys import ServerKeys


def drawn(byte: int) -> Callable[[int], bytes]:
    return lambda size: bytes([byte]) * size


OWN = ServerKeys.generate(drawn(1))


def test_an_attempt_has_its_id_and_key_before_anyone_is_admitted() -> None:
    assert attempt_id_of("placement-1") == attempt_id_of("placement-1")
    assert len(attempt_id_of("placement-1")) == 32
    ids = {attempt_id_of(f"placement-{number}") for number in range(50)}
    assert len({attempt_key_of(OWN, one) for one in ids}) == len(ids) == 50


def test_the_station_derives_the_key_that_the_server_proves_with() -> None:
    secret = shift_secret_of(OWN, shift="s1", station="t1")
    derived = room_kit.lease_key(secret, "a1", 3)
    assert derived == lease_key_of(OWN, shift="s1", station="t1", attempt="a1", epoch=3)


def test_every_part_of_a_lease_changes_its_key() -> None:
    lease = {"shift": "s1", "station": "t1", "attempt": "a1"}
    others = [{"shift": "s2"}, {"station": "t2"}, {"attempt": "a2"}, {}]
    found = {lease_key_of(OWN, **{**lease, **other}, epoch=1) for other in others}
    found.add(lease_key_of(OWN, **lease, epoch=2))
    found.add(lease_key_of(ServerKeys.generate(drawn(2)), **lease, epoch=1))
    assert len(found) == 6
