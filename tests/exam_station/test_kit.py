"""The room kit on the station: kept, believed only where it is ours, opened by the start signal."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk_seat import Seat, until
from station_server import ATTEMPT, StationServer

from exam_server.contract import api
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.records import Opened, Visited
from exam_station.client import ServerRefusedError
from exam_station.kit import KIT, START, Kits, Start
from exam_station.vault import Vault


@pytest.fixture
def seat(data: Path, vault: Vault) -> Iterator[Seat]:
    made = Seat(data, vault)
    yield made
    made.close()


def signal(server: StationServer) -> Start:
    return Start("s1", server.now() - timedelta(seconds=1), server.start_secret)


def test_a_kit_is_fetched_once_and_read_from_disk_after_a_restart(
    server: StationServer, seat: Seat, data: Path, vault: Vault
) -> None:
    assert seat.kits.kit() is None
    fetched = seat.kits.fetch()
    assert fetched == server.kit()
    server.stop()
    assert Kits(data, seat.client, vault).kit() == fetched
    secrets = (server.attempt_key, server.shift_secret, server.content_key)
    stored = (data / KIT).read_bytes()
    assert all(secret not in stored for secret in secrets)


@pytest.mark.parametrize(
    ("changes", "match"),
    [({"realm": "live"}, "realm"), ({"station": "station-2"}, "another station")],
)
def test_a_kit_of_another_realm_or_station_is_refused(
    server: StationServer, seat: Seat, data: Path, changes: dict[str, object], match: str
) -> None:
    server.kit_changes = changes
    with pytest.raises(ContractError, match=match):
        seat.kits.fetch()
    assert not (data / KIT).exists()
    assert seat.kits.kit() is None


def test_a_kit_signed_by_another_is_refused(server: StationServer, seat: Seat) -> None:
    server.signing = Ed25519PrivateKey.generate()
    with pytest.raises(ContractError, match="signed"):
        seat.kits.fetch()


def test_a_changed_kit_on_disk_is_not_believed_and_fetched_again(
    server: StationServer, seat: Seat, data: Path, vault: Vault
) -> None:
    seat.kits.fetch()
    stored = bytearray((data / KIT).read_bytes())
    stored[len(stored) // 2] ^= 1
    (data / KIT).write_bytes(stored)
    fresh = Kits(data, seat.client, vault)
    assert fresh.kit() is None
    assert fresh.for_attempt(ATTEMPT) == server.kit()


def test_the_start_is_remembered_through_a_restart_and_for_its_shift_alone(
    server: StationServer, seat: Seat, data: Path, vault: Vault
) -> None:
    seat.kits.fetch()
    heard = signal(server)
    seat.kits.keep_start(heard)
    kept = Kits(data, seat.client, vault).start("s1")
    assert kept is not None and kept.secret == heard.secret
    assert seat.kits.start("s2") is None
    assert server.start_secret not in (data / START).read_bytes()


def test_a_start_secret_of_another_room_is_not_kept(server: StationServer, seat: Seat) -> None:
    seat.kits.fetch()
    with pytest.raises(ContractError, match="start secret"):
        seat.kits.keep_start(replace(signal(server), secret=bytes(13)))
    assert seat.kits.start("s1") is None


def test_a_kit_is_whole_with_every_package_of_it(server: StationServer, seat: Seat) -> None:
    assert not seat.kits.is_whole({"package-1"})
    kit = seat.kits.fetch()
    assert not seat.kits.is_whole(())
    views = [one.view() for one in kit.packages]
    assert seat.kits.is_whole(seat.packages.stage(views))


def test_the_start_signal_opens_the_form_without_asking_anybody(
    server: StationServer, seat: Seat
) -> None:
    kit = seat.kits.fetch()
    seat.packages.stage([one.view() for one in kit.packages])
    server.ledger = replace(server.ledger, started=None)  # the lease was taken before the start
    seat.desk.renew_lease(ATTEMPT)
    heard = signal(server)
    seat.kits.keep_start(heard)
    server.calls.clear()
    server.refuse["attempts/records"] = api.ErrorCode.TOO_BUSY
    opened = seat.desk.open(ATTEMPT)
    assert opened.sitting.form.code == "0101"
    assert opened.ledger.started == heard.at
    assert set(server.calls) <= {"attempts/records"}  # the uploader's, in its own time
    del server.refuse["attempts/records"]
    until(lambda: len(server.records) == 1)
    assert server.records[0].open(server.attempt_key)[0] == Opened("0101")


def test_who_missed_the_staging_gets_kit_and_package_at_the_start(
    server: StationServer, seat: Seat
) -> None:
    opened = seat.desk.open(ATTEMPT)
    assert opened.sitting.form.code == "0101"
    assert {"attempts/open", "kit", "packages/package-1"} <= set(server.calls)
    assert seat.kits.start("s1") is not None


def test_a_paper_that_was_opened_before_is_opened_again_by_the_server(
    server: StationServer, seat: Seat, data: Path, vault: Vault
) -> None:
    """Only the server knows what officers did to the time meanwhile."""
    seat.kits.fetch()
    seat.kits.keep_start(signal(server))
    seat.desk.open(ATTEMPT)
    assert "attempts/open" not in server.calls
    seat.close()
    again = Seat(data, vault)
    again.desk.open(ATTEMPT)
    again.close()
    assert "attempts/open" in server.calls


@pytest.mark.parametrize("code", [ErrorCode.TOO_BUSY, ErrorCode.INTERNAL])
def test_a_paper_that_was_opened_before_is_opened_again_though_the_server_cannot_answer(
    server: StationServer, seat: Seat, data: Path, vault: Vault, code: ErrorCode
) -> None:
    """Its database is away: what this station knows of the start is enough, as without network."""
    opened = seat.desk.open(ATTEMPT)
    until(lambda: len(server.records) == 1)
    seat.close()
    calls = ("attempts/lease", "attempts/open", "attempts/records")
    server.refuse.update(dict.fromkeys(calls, code))
    again = Seat(data, vault)
    # Once is not enough: another seat may have had the paper meanwhile.
    for call in (again.desk.renew_lease, again.desk.open):
        with pytest.raises(ServerRefusedError) as refused:
            call(ATTEMPT)
        assert refused.value.code is code
    assert again.desk.renew_lease(ATTEMPT, lost=True).attempt == ATTEMPT
    assert again.desk.open(ATTEMPT, lost=True).sitting == opened.sitting
    again.desk.write(Visited("b"))
    server.refuse.clear()
    until(lambda: len(server.records) == 2)
    again.close()
