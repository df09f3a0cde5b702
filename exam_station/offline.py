"""What a proctor's codes allow at this kiosk while there is no network.

Everything rests on the room kit, which came while there was one: whom to expect, the keys to write
with, the digest of the room code. What was decided is kept, sealed, in the attempt's folder
(`exam_station.introduction`), and the server judges it once it can be reached.
"""

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from card_reader.evidence import Challenge, Freshness
from exam_server.contract import api
from exam_server.contract.errors import ContractError
from exam_server.contract.offline import checkin_digest, start_proof
from exam_server.contract.records import genesis
from exam_server.contract.room_code import RoomCode
from exam_server.contract.room_kit import Place, RoomKit
from exam_server.contract.wrapping import Purpose, wrap
from exam_station import durable
from exam_station.attempt_folder import AttemptFolder
from exam_station.clock import ServerClock
from exam_station.flow.offline import is_beyond_doubt
from exam_station.flow.screens import CardReading, FaceResult
from exam_station.kit import Kits, Start
from exam_station.vault import Vault

#: A kit is of use from so long before its shift's printed time until so long after.
BEFORE, AFTER = timedelta(hours=6), timedelta(hours=12)
#: The start signal comes no earlier before the printed time.
EARLIEST_START = timedelta(minutes=5)
COUNTER = "room-challenges"
FIRST_EPOCH = 1


@dataclass(frozen=True, slots=True)
class RoomChallenge:
    """A challenge from the room code, and the count that went into it."""

    challenge: Challenge
    counter: int


class Offline:
    """Raises ContractError where the kit does not allow what is asked, OSError from the disk."""

    def __init__(
        self,
        data: Path,
        *,
        vault: Vault,
        clock: ServerClock,
        kits: Kits,
        nonce: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._data = data
        self._vault = vault
        self._clock = clock
        self._kits = kits
        self._nonce = nonce

    def seat(self) -> api.SeatView | None:
        """What the kit says of this seat now; None without a kit of a shift of these hours."""
        kit, now = self._kits.kit(), self._clock.signing_time()
        if kit is None or not (self._clock.estimated or self._is_timely(kit, now)):
            return None
        place = self._carried_here(kit) or kit.place_at(kit.seat)
        return api.SeatView(
            server_time=now,
            realm=kit.realm,
            centre=kit.centre,
            room=kit.room_name,
            seat=kit.seat,
            shift=api.ShiftView(
                id=kit.shift,
                exam=kit.exam,
                name=kit.shift_name,
                starts_at=kit.starts_at,
                state=api.ShiftState.OPEN,
            ),
            placement=None if place is None else self._placement(kit, place),
            packages=[package.view() for package in kit.packages],
        )

    def _is_timely(self, kit: RoomKit, now: datetime) -> bool:
        return kit.starts_at - BEFORE <= now <= kit.starts_at + AFTER

    def _carried_here(self, kit: RoomKit) -> Place | None:
        """Whoever came to this seat with a move token, went no further and has not handed in."""
        for place in kit.places:
            folder = AttemptFolder(self._data, place.attempt)
            here = folder.came_by_token and not folder.carried_away
            if here and folder.receipt() is None:
                return place
        return None

    def _placement(self, kit: RoomKit, place: Place) -> api.PlacementView:
        key = kit.writing_keys(place.attempt, FIRST_EPOCH).attempt_key
        return place.view(state=AttemptFolder(self._data, place.attempt).state(key))

    def judge(self, text: str) -> RoomCode | None:
        """The room's code, None where what was typed is another one or none."""
        kit = self._whole_kit()
        try:
            code = RoomCode.from_text(text)
        except ContractError:
            return None
        held = kit.room_code_digest
        return code if hmac.compare_digest(code.digest(kit.shift, kit.room), held) else None

    def challenge(self, placement: str, code: RoomCode) -> RoomChallenge:
        """Eight bytes for the chip. The count is on disk before they are used."""
        counter = self._next_count()
        value = code.challenge(self._whole_kit().shift_secret, placement, counter)
        name = f"offline-{counter}-{self._vault.station}"[:64]
        return RoomChallenge(Challenge(name, value, Freshness.ROOM_CODE), counter)

    def admit(
        self,
        placement: str,
        reading: CardReading | None,
        *,
        consent: bool,
        face: FaceResult | None,
        code: RoomCode,
    ) -> tuple[str, bool]:
        """Keeps check-in and lease on disk. The attempt, and whether its result is conditional."""
        kit, now = self._whole_kit(), self._clock.signing_time()
        place = next((one for one in kit.places if one.placement == placement), None)
        if place is None:
            raise ContractError("this room's kit knows no such candidate")
        told = self._confirmed(kit, placement, reading, consent, face, code, now)
        folder = AttemptFolder(self._data, place.attempt)
        keys = kit.writing_keys(place.attempt, FIRST_EPOCH)
        folder.keep_checkin(told, keys.attempt_key, self._nonce)
        if folder.lease() is None:
            folder.keep_lease(self._lease(kit, place, now))
        return place.attempt, not is_beyond_doubt(reading, face)

    def _confirmed(
        self,
        kit: RoomKit,
        placement: str,
        reading: CardReading | None,
        consent: bool,
        face: FaceResult | None,
        code: RoomCode,
        now: datetime,
    ) -> api.OfflineCheckIn:
        told = api.OfflineCheckIn(
            placement=placement,
            checked_in_at=now,
            counter=reading.counter if reading else None,
            evidence=reading.evidence if reading else None,
            evidence_signature=reading.signature if reading else None,
            consent=consent,
            face=face.record if face else None,
            captures=list(face.captures) if face else [],
            confirmation=b"",
        )
        word = code.confirmation(kit.shift_secret, placement, checkin_digest(told))
        return told.model_copy(update={"confirmation": word})

    def start(self, attempt: str, secret: bytes) -> bool:
        """Takes the start signal from a proctor's code; False where it opens nothing here.

        A clock that was lost with a restart is set by it as far as can be: nobody gives the
        signal earlier than the rule allows.
        """
        kit = self._whole_kit()
        if not kit.opens_with(secret):
            return False
        self._clock.not_before(kit.starts_at - EARLIEST_START)
        now = self._clock.signing_time()
        known = self._kits.start(kit.shift)
        start = Start(kit.shift, now, secret) if known is None else known
        proof = start_proof(secret, attempt=attempt, station=self._vault.station, at=start.at)
        folder = AttemptFolder(self._data, attempt)
        if folder.lease() is None:
            folder.keep_lease(self._lease(kit, kit.place_of(attempt), now))
        folder.keep_started(api.StartedByCode(started_at=start.at, proof=proof))
        self._kits.keep_start(start)
        return True

    def _lease(self, kit: RoomKit, place: Place, now: datetime) -> api.LeaseView:
        """The first lease, as the server would have given it, its keys for this vault."""
        keys, holder = kit.writing_keys(place.attempt, FIRST_EPOCH), self._vault.wrapping
        context = (place.attempt, str(FIRST_EPOCH))
        return api.LeaseView(
            attempt=place.attempt,
            epoch=FIRST_EPOCH,
            lease_key=wrap(keys.lease_key, holder.public_key(), Purpose.LEASE_KEY, *context),
            attempt_key=wrap(
                keys.attempt_key, holder.public_key(), Purpose.ATTEMPT_KEY, place.attempt
            ),
            next_sequence=1,
            head=genesis(place.attempt),
            package=place.package,
            code=place.code,
            ledger=api.LedgerView(allowance=place.allowance),
            server_time=now,
        )

    def _whole_kit(self) -> RoomKit:
        kit = self._kits.kit()
        if kit is None:
            raise ContractError(
                "this station has no kit of its room; nothing opens without network"
            )
        return kit

    def _next_count(self) -> int:
        path = self._data / COUNTER
        try:
            last = int(path.read_text("ascii"))
        except FileNotFoundError:
            last = 0
        except ValueError as error:
            raise ContractError(
                "the count of challenges is damaged; call the technician"
            ) from error
        durable.write_file(path, str(last + 1).encode("ascii"))
        return last + 1
