"""Carrying an attempt without network: what a full disk or a power cut leaves, and the way back."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from exam_server.contract import api
from exam_server.contract.ledger import Ledger
from exam_server.contract.move_token import MoveToken
from exam_server.contract.records import Body, Opened, Record, Visited, genesis
from exam_server.contract.room_kit import Place, RoomKit, RoomStation
from exam_server.contract.wrapping import Purpose, wrap
from exam_station import attempt_folder, durable, introduction, moving
from exam_station.attempt_folder import AttemptFolder
from exam_station.carried_time import CarriedTime
from exam_station.journal import Journal, JournalFullError, JournalInUseError
from exam_station.moving import MoveError, move_in, move_out, read_folder
from exam_station.offline import Offline
from exam_station.vault import Vault

NOW = datetime(2026, 12, 5, tzinfo=UTC)
ATTEMPT = "ab" * 16
SEAT = "01"


def vault_of(name: str, recovery: X25519PrivateKey) -> Vault:
    return Vault(
        station=name,
        realm="test",
        name=name,
        url="https://server",
        certificate=b"",
        server_key=bytes(32),
        recovery_key=recovery.public_key().public_bytes_raw(),
        signing_seed=Ed25519PrivateKey.generate().private_bytes_raw(),
        wrapping_seed=X25519PrivateKey.generate().private_bytes_raw(),
    )


@dataclass
class Stand:
    """A station of the room, by its disk."""

    vault: Vault
    kit: RoomKit
    data: Path

    @property
    def folder(self) -> AttemptFolder:
        return AttemptFolder(self.data, ATTEMPT)

    def out(self, stick: Path, ledger: Ledger | None = None) -> MoveToken:
        return move_out(self.folder, stick, vault=self.vault, seat=None, ledger=ledger, now=NOW)

    def take(self, stick: Path) -> None:
        move_in(self.data, read_folder(stick), vault=self.vault, kit=self.kit, now=NOW)

    def write(self, body: Body) -> Record:
        lease = self.folder.lease()
        assert lease is not None
        journal = Journal.open(self.folder.journal)
        record = self.kit.writing_keys(ATTEMPT, lease.epoch).seal(
            body, sequence=journal.sequence + 1, previous=journal.head, acknowledged=0,
            at=round(NOW.timestamp() * 1000), rng=os.urandom,
        )  # fmt: skip
        journal.append(record)
        journal.close()
        return record

    def gets_lease(self, epoch: int, next_sequence: int, head: bytes) -> None:
        keys, holder = self.kit.writing_keys(ATTEMPT, epoch), self.vault.wrapping.public_key()
        self.folder.keep_lease(
            api.LeaseView(
                attempt=ATTEMPT,
                epoch=epoch,
                lease_key=wrap(keys.lease_key, holder, Purpose.LEASE_KEY, ATTEMPT, str(epoch)),
                attempt_key=wrap(keys.attempt_key, holder, Purpose.ATTEMPT_KEY, ATTEMPT),
                next_sequence=next_sequence,
                head=head,
                package="pk",
                code="0101",
                ledger=api.LedgerView(allowance=timedelta(minutes=90)),
                server_time=NOW,
            )
        )


@pytest.fixture
def stands(tmp_path: Path) -> tuple[Stand, Stand]:
    """Two stations; the first has begun to write."""
    recovery = X25519PrivateKey.generate()
    vaults = [vault_of(name, recovery) for name in ("first", "second")]
    named = tuple(
        RoomStation(one.station, one.signing.public_key().public_bytes_raw()) for one in vaults
    )
    place = Place(
        "01", "p", "1", "x", date(2000, 1, 1), None, "paper", timedelta(minutes=90), ATTEMPT,
        "0101", "pk", False, b"k" * 32,
    )  # fmt: skip
    made = []
    for number, vault in enumerate(vaults):
        kit = RoomKit(
            "test", "s", "r", "B", "e", "sn", "c", "rn", f"0{number + 1}", NOW,
            timedelta(minutes=15), (), bytes(32), bytes([number]) * 32, (place,), (), named,
        )  # fmt: skip
        made.append(Stand(vault, kit, tmp_path / vault.station))
    first, second = made
    first.gets_lease(1, 1, genesis(ATTEMPT))
    lease = first.folder.lease()
    assert lease is not None
    keys = first.kit.writing_keys(ATTEMPT, 1)
    held_back = wrap(keys.attempt_key, recovery.public_key(), Purpose.ATTEMPT_KEY, ATTEMPT)
    header = moving.journal_file.Header(ATTEMPT, lease.attempt_key, held_back)
    Journal.create(first.folder.journal, header).close()
    first.write(Opened("0101"))
    return first, second


def cut_before(monkeypatch: pytest.MonkeyPatch, write: int) -> Callable[[], None]:
    """The power goes before the file system's `write`-th change of a name; until it is called."""
    done = iter(range(1000))
    replace, link = Path.replace, os.link

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        def act(*arguments: object, **options: object) -> object:
            if next(done) >= write:
                raise KeyboardInterrupt
            return call(*arguments, **options)

        return act

    monkeypatch.setattr(Path, "replace", counted(replace))
    monkeypatch.setattr(os, "link", counted(link))

    def restore() -> None:
        monkeypatch.setattr(Path, "replace", replace)
        monkeypatch.setattr(os, "link", link)

    return restore


def taken_up(stand: Stand, epoch: int, records: int) -> None:
    lease = stand.folder.lease()
    journal = Journal.open(stand.folder.journal)
    journal.close()
    assert lease is not None and (lease.epoch, lease.next_sequence) == (epoch, records + 1)
    assert (journal.sequence, journal.moved, lease.head) == (records, None, journal.head)
    claim = stand.folder.claim()
    assert claim is not None and claim.token.epoch == epoch - 1 and stand.folder.came_by_token


def test_after_a_full_disk_the_same_folder_is_taken_up_once_there_is_room(
    stands: tuple[Stand, Stand], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = stands
    first.out(tmp_path / "stick")

    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(durable, "reserve", full)
        with pytest.raises(JournalFullError):
            second.take(tmp_path / "stick")
        assert not second.folder.came_by_token  # nothing is shown or told of half a move
    second.take(tmp_path / "stick")
    taken_up(second, 2, 1)
    with pytest.raises(MoveError, match="already"):
        second.take(tmp_path / "stick")


@pytest.mark.parametrize("back", [False, True])
def test_after_a_power_cut_at_any_write_it_is_taken_up_with_the_same_command(
    stands: tuple[Stand, Stand], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    first, second = stands
    first.out(tmp_path / "stick")
    at, epoch, records = second, 2, 1
    if back:
        second.take(tmp_path / "stick")
        second.write(Visited("a"))
        second.out(tmp_path / "stick")
        at, epoch, records = first, 3, 2
    write, cut = 0, True
    while cut:
        restore = cut_before(monkeypatch, write)
        try:
            at.take(tmp_path / "stick")
            cut = False
        except KeyboardInterrupt:
            write += 1
        finally:
            restore()
        assert not cut or not at.folder.came_by_token  # nothing is shown or told of half a move
        if cut and at.folder.journal.exists():  # it must not be written on as it was before
            journal = Journal.open(at.folder.journal)
            journal.close()
            assert journal.moved is not None
    assert write >= 3
    taken_up(at, epoch, records)


def test_an_attempt_is_carried_away_and_back_and_away_again(
    stands: tuple[Stand, Stand], tmp_path: Path
) -> None:
    first, second = stands
    first.out(tmp_path / "1")
    second.take(tmp_path / "1")
    second.write(Visited("a"))
    second.out(tmp_path / "2")
    first.take(tmp_path / "2")
    taken_up(first, 3, 2)
    assert (first.folder.path / "journal.before-3").exists()
    first.write(Visited("b"))
    for stick in ("1", "2"):  # neither of the former moves is taken up again
        with pytest.raises(MoveError, match=r"already|this very station"):
            first.take(tmp_path / stick)
    token = first.out(tmp_path / "3")
    assert (token.epoch, token.sequence) == (3, 3)
    second.take(tmp_path / "3")
    taken_up(second, 4, 3)


def test_what_did_not_go_on_from_this_stations_journal_does_not_replace_it(
    stands: tuple[Stand, Stand], tmp_path: Path
) -> None:
    """The attempt was begun anew elsewhere: what lies here alone would be put by for good."""
    first, second = stands
    first.out(tmp_path / "1")
    second.take(tmp_path / "1")
    second.out(tmp_path / "2")
    journal = first.folder.journal
    kept = journal.read_bytes()
    journal.unlink()
    header = moving.journal_file.read(kept).header
    Journal.create(journal, header).close()
    first.write(Opened("0101"))
    first.write(Visited("c"))
    first.out(tmp_path / "other")
    with pytest.raises(MoveError, match="other records"):
        first.take(tmp_path / "2")


def time_at(stand: Stand) -> Ledger:
    lease = stand.folder.lease()
    assert lease is not None
    return lease.ledger.ledger()


def test_the_time_goes_along_and_on_where_the_paper_was_not_opened_in_between(
    stands: tuple[Stand, Stand], tmp_path: Path
) -> None:
    first, second = stands
    known = Ledger(timedelta(minutes=90)).start(NOW).extend(timedelta(minutes=20), NOW)
    first.out(tmp_path / "1", known)
    second.take(tmp_path / "1")
    assert time_at(second) == known
    second.out(tmp_path / "2")
    first.take(tmp_path / "2")
    assert time_at(first) == known


def test_the_time_of_another_move_is_not_taken_up(
    stands: tuple[Stand, Stand], tmp_path: Path
) -> None:
    first, second = stands
    first.out(tmp_path / "1", Ledger(timedelta(minutes=5)).start(NOW))
    second.take(tmp_path / "1")
    second.out(tmp_path / "2")
    (tmp_path / "2" / moving.TIME).write_bytes((tmp_path / "1" / moving.TIME).read_bytes())
    with pytest.raises(MoveError, match="not of one move"):
        first.take(tmp_path / "2")


def test_a_time_that_the_tokens_station_did_not_sign_is_not_taken_up(
    stands: tuple[Stand, Stand], tmp_path: Path
) -> None:
    first, second = stands
    first.out(tmp_path / "1")
    path = tmp_path / "1" / moving.TIME
    longer = replace(
        CarriedTime.from_bytes(path.read_bytes()),
        ledger=api.LedgerView(allowance=timedelta(minutes=180)),
    )
    path.write_bytes(longer.to_bytes())
    with pytest.raises(MoveError, match="not signed by the station"):
        second.take(tmp_path / "1")
    path.write_bytes(b"no time")
    with pytest.raises(MoveError, match="damaged"):
        second.take(tmp_path / "1")
    path.unlink()
    with pytest.raises(MoveError, match="holds no time"):
        second.take(tmp_path / "1")
    assert second.folder.lease() is None


def test_who_was_carried_on_is_not_at_this_seat_any_more(
    stands: tuple[Stand, Stand], tmp_path: Path
) -> None:
    first, second = stands
    kits = SimpleNamespace(kit=lambda: second.kit)
    clock = SimpleNamespace(signing_time=lambda: NOW, estimated=False)
    offline = Offline(second.data, vault=second.vault, clock=clock, kits=kits)  # type: ignore[arg-type]  # two of their words are asked

    def who() -> str | None:
        seat = offline.seat()
        assert seat is not None
        return seat.placement.attempt if seat.placement else None

    first.out(tmp_path / "1")
    second.take(tmp_path / "1")
    assert who() == ATTEMPT
    second.out(tmp_path / "2")
    assert who() is None
    # Its records here still count under the lease that it had here, which the server may not know.
    assert second.folder.came_by_token and second.folder.carried_away


def test_who_is_running_here_is_ended_first(stands: tuple[Stand, Stand], tmp_path: Path) -> None:
    first, second = stands
    first.out(tmp_path / "1")
    second.take(tmp_path / "1")
    second.out(tmp_path / "2")
    running = Journal.open(first.folder.journal)
    with pytest.raises(JournalInUseError):
        first.take(tmp_path / "2")
    running.close()
    first.take(tmp_path / "2")


def test_an_old_token_is_not_given_again_for_a_newer_lease(
    stands: tuple[Stand, Stand], tmp_path: Path
) -> None:
    """The candidate came back by the page; the kiosk has not taken the journal up since."""
    first, _second = stands
    token = first.out(tmp_path / "1")
    assert first.out(tmp_path / "again") == token
    first.gets_lease(3, 5, b"h" * 32)
    with pytest.raises(MoveError, match="came back"):
        first.out(tmp_path / "2")
    assert not (tmp_path / "2").exists()


def test_a_journal_that_lacks_what_was_written_elsewhere_is_not_carried(
    stands: tuple[Stand, Stand], tmp_path: Path
) -> None:
    first, _second = stands
    first.gets_lease(3, 5, b"h" * 32)
    with pytest.raises(MoveError, match="came back"):
        first.out(tmp_path / "2")


class Listening:
    """A server that takes what it is told, as long as it knows who tells."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def claim(self, _attempt: str, _asked: api.Claim) -> None:
        self.told.append("claim")

    def started_by_code(self, _attempt: str, _started: api.StartedByCode) -> None:
        self.told.append("start")


def test_the_move_is_told_before_the_start_at_the_new_seat(
    stands: tuple[Stand, Stand], tmp_path: Path
) -> None:
    """Of a station that never had a lease no server takes a start."""
    first, second = stands
    first.out(tmp_path / "stick")
    second.take(tmp_path / "stick")
    second.folder.keep_started(api.StartedByCode(started_at=NOW, proof=bytes(32)))
    server = Listening()
    introduction.introduce(server, second.folder, bytes(32))  # type: ignore[arg-type]
    assert server.told == ["claim", "start"]
    assert not (second.folder.path / attempt_folder.CLAIM).exists()
