"""An attempt is carried to another station where there is no network.

`move_out` ends the journal here with a signed token and copies both into a folder, on a stick;
`move_in` takes them up at the other station, with the keys that lie in its room kit, under the
next epoch. Once the server can be reached it is shown the token before any record
(`exam_station.introduction`).
"""

from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exam_server.contract import api, journal_file
from exam_server.contract.attempt_folder import CARRIED_TOKEN
from exam_server.contract.errors import ContractError
from exam_server.contract.ledger import Ledger
from exam_server.contract.move_token import MoveToken, SignedMoveToken
from exam_server.contract.records import WritingKeys
from exam_server.contract.room_kit import Place, RoomKit
from exam_server.contract.wrapping import Purpose, wrap
from exam_station import durable
from exam_station.attempt_folder import AttemptFolder
from exam_station.carried_time import CarriedTime
from exam_station.continuing import continues
from exam_station.journal import Journal
from exam_station.vault import Vault

JOURNAL, TOKEN, TIME = "journal", CARRIED_TOKEN, "time"
_HERE = "this station has this attempt already"


class MoveError(Exception):
    """The attempt cannot be carried; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What lies in the folder: the token, the journal that it ends, and the time."""

    token: MoveToken
    signed: SignedMoveToken
    contents: journal_file.Contents
    time: CarriedTime


def move_out(
    folder: AttemptFolder,
    to: Path,
    *,
    vault: Vault,
    seat: str | None,
    ledger: Ledger | None,
    now: datetime,
) -> MoveToken:
    """Ends the attempt on this station and copies it to `to`. Called again it copies again.

    `ledger` is the attempt's time as it was last known here, None where the paper was not opened:
    then it is the lease's. Raises MoveError, JournalError, OSError.
    """
    lease = folder.lease()
    if lease is None or not folder.journal.exists():
        raise MoveError("this station has written no such attempt")
    if folder.receipt() is not None:
        raise MoveError("this attempt has been handed in; there is nothing to carry")
    journal = Journal.open(folder.journal)
    try:
        signed = journal.moved
        _check_taken_up(journal, lease)
        if signed is None:
            token = MoveToken(
                attempt=folder.attempt,
                station=vault.station,
                epoch=lease.epoch,
                sequence=journal.sequence,
                head=journal.head,
                seat=seat,
                at=now,
            )
            signed = SignedMoveToken.sign(token, vault.signing)
            journal.append_moved(signed)
    finally:
        journal.close()
    contents = journal_file.read(folder.journal.read_bytes())
    durable.write_file(to / JOURNAL, folder.journal.read_bytes()[: contents.size])
    view = lease.ledger if ledger is None else api.LedgerView.of(ledger)
    time = CarriedTime.sign(signed, view, vault.signing)
    durable.write_file(to / TIME, time.to_bytes())
    durable.write_file(to / TOKEN, signed.to_bytes())
    return signed.token


def _check_taken_up(journal: Journal, lease: api.LeaseView) -> None:
    """MoveError where the attempt was written elsewhere since, and that is not in this journal."""
    moved = journal.moved
    written_on = moved is None and continues(journal.records, lease)
    if not (written_on or (moved is not None and moved.token.epoch >= lease.epoch)):
        raise MoveError(
            "the attempt came back to this station, and its journal is not here yet: open the paper"
            " here with the network, or repeat move-in; then carry it"
        )


def read_folder(source: Path) -> Carried:
    """What `move_out` left there; MoveError where it is not whole or not of one piece."""
    try:
        signed = SignedMoveToken.from_bytes((source / TOKEN).read_bytes())
        contents = journal_file.read((source / JOURNAL).read_bytes())
        time = CarriedTime.from_bytes((source / TIME).read_bytes())
    except FileNotFoundError as error:
        name = Path(error.filename or "").name
        raise MoveError(f"{source} holds no {name}; give the folder of move-out") from error
    except ContractError as error:
        raise MoveError(f"what lies in {source} is damaged ({error}); carry it again") from error
    if contents.moved != signed or time.token != signed.to_bytes():
        raise MoveError("token, journal and time are not of one move; carry them again")
    return Carried(signed.token, signed, contents, time)


def move_in(data: Path, carried: Carried, *, vault: Vault, kit: RoomKit, now: datetime) -> None:
    """Takes the attempt up on this station, under the epoch after the token's.

    Token and time must be signed by a station of this room, whose key the kit knows, and every
    record open under the attempt's key. Raises MoveError, JournalError, OSError.
    """
    token = carried.token
    if token.station == vault.station:
        raise MoveError("the attempt was carried from this very station; take it to another one")
    if token.seat is not None and token.seat != kit.seat:
        raise MoveError(f"this attempt was sent to seat {token.seat}, and this is {kit.seat}")
    _check_signatures(carried, kit)
    try:
        place, epoch = kit.place_of(token.attempt), token.epoch + 1
        keys = kit.writing_keys(token.attempt, epoch)
        for record in carried.contents.records:
            record.open(keys.attempt_key)
    except ContractError as error:
        raise MoveError(
            f"{error}; only a station of the candidate's own room can take this up"
        ) from error
    folder = AttemptFolder(data, token.attempt)
    former = _former(folder, carried)
    with nullcontext() if former is None else closing(former):
        _take_up(folder, carried, former, place=place, keys=keys, vault=vault, now=now)


def _take_up(
    folder: AttemptFolder,
    carried: Carried,
    former: Journal | None,
    *,
    place: Place,
    keys: WritingKeys,
    vault: Vault,
    now: datetime,
) -> None:
    """Writes token and lease, and the journal last: it makes the move true."""
    token, epoch, holder = carried.token, keys.epoch, vault.wrapping.public_key()
    attempt_key = wrap(keys.attempt_key, holder, Purpose.ATTEMPT_KEY, token.attempt)
    recovery = wrap(keys.attempt_key, vault.recovery, Purpose.ATTEMPT_KEY, token.attempt)
    folder.keep_claim(carried.signed)
    folder.keep_lease(
        api.LeaseView(
            attempt=token.attempt,
            epoch=epoch,
            lease_key=wrap(keys.lease_key, holder, Purpose.LEASE_KEY, token.attempt, str(epoch)),
            attempt_key=attempt_key,
            next_sequence=token.sequence + 1,
            head=token.head,
            package=place.package,
            code=place.code,
            ledger=carried.time.ledger,
            server_time=now,
        )
    )
    header = journal_file.Header(token.attempt, attempt_key, recovery)
    records = carried.contents.records
    if former is None:
        Journal.create(folder.journal, header, records).close()
        return
    folder.coming.unlink(missing_ok=True)
    Journal.create(folder.coming, header, records).close()
    folder.replace_journal(epoch)
    former.release()


def _former(folder: AttemptFolder, carried: Carried) -> Journal | None:
    """This station's own journal from before it gave the attempt away, locked; None where there is
    none. MoveError unless what was carried may be taken up.

    A lease without a journal is of this very move, whose journal found no room.
    """
    epoch, known = carried.token.epoch + 1, folder.lease()
    try:
        journal = Journal.open(folder.journal)
    except FileNotFoundError:
        begun = known is not None and known.epoch == epoch and folder.claim() == carried.signed
        if known is not None and known.epoch >= epoch and not begun:
            raise MoveError(_HERE) from None
        return None
    try:
        _check_goes_on(journal, known, carried)
    except MoveError:
        journal.close()
        raise
    return journal


def _check_goes_on(journal: Journal, known: api.LeaseView | None, carried: Carried) -> None:
    """Only what goes on from this station's own last word takes its journal's place."""
    epoch, own = carried.token.epoch + 1, journal.moved
    newer = known is not None and known.epoch > epoch
    if own is None or own.token.epoch >= epoch or newer:
        raise MoveError(_HERE)
    records = carried.contents.records[: own.token.sequence]
    if len(records) < own.token.sequence or (records and records[-1].head != own.token.head):
        raise MoveError(
            "this station wrote other records of this attempt, which are not among those carried;"
            " have the candidate moved on the room page once there is a network"
        )


def _check_signatures(carried: Carried, kit: RoomKit) -> None:
    try:
        key = kit.signing_key_of(carried.token.station)
    except ContractError as error:
        raise MoveError(
            "this move token is of no station of this room; take the attempt up in its own room,"
            " or have the candidate moved on the room page"
        ) from error
    try:
        carried.signed.check(key)
        carried.time.check(key)
    except ContractError as error:
        raise MoveError(
            "this move is not signed by the station that its token names, so nothing is taken up;"
            " carry the folder anew with move-out, and tell the exam office if it happens again"
        ) from error
