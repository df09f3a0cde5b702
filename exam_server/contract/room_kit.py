"""The room kit: what one station needs to carry a shift of its room through without network.

Signed by the server and sealed for one station; `version` names its content, so that a station
sees in every heartbeat whether its kit is the present one. It holds who is expected where, the
rules, the keys to write with, the public keys of the room's stations, and the content keys of the
room's packages, each locked under the room's **start secret**. That secret comes at the start:
over the stream, in the answer to `open`, or as the start code (`contract.start_code`). So a station
without the start secret opens no form, and a start code without a station's vault opens none
either.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exam_server.contract import canonical
from exam_server.contract.api import AttemptState, PackageView, PlacementView
from exam_server.contract.errors import ContractError
from exam_server.contract.records import MAX_NUMBER, WritingKeys
from exam_server.contract.wrapping import Purpose, unwrap, wrap

DOMAIN = "truong-thi/room-kit"
KEY_BYTES = 32
#: 2: with the public keys of the room's stations, and whether a paper is sequential.
SCHEMA = 2


def lease_key(shift_secret: bytes, attempt: str, epoch: int) -> bytes:
    """The key of the lease `epoch` of `attempt`, for the station that has this shift secret."""
    return _derived(shift_secret, "truong-thi/lease-key", attempt, epoch)


def lock_content_key(content_key: bytes, start_secret: bytes, *, shift: str, package: str) -> bytes:
    """`content_key`, to be had back with the room's start secret only."""
    return _lock(start_secret, shift, package).encrypt(_ONCE, content_key, None)


def _lock(start_secret: bytes, shift: str, package: str) -> AESGCM:
    return AESGCM(_derived(start_secret, "truong-thi/start-lock", shift, package))


def _derived(secret: bytes, domain: str, *context: Any) -> bytes:
    info = canonical.encode(domain, 1, *context)
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(secret)


#: The key of a lock is derived for one package's one content key, so it never meets a nonce twice.
_ONCE = bytes(12)


@dataclass(frozen=True, slots=True)
class KitHeader:
    """What is to be read of a kit without the station's key. `version`: SHA-256 of its outline."""

    realm: str
    shift: str
    room: str
    station: str
    version: bytes

    def context(self) -> tuple[str, ...]:
        return (self.realm, self.shift, self.room, self.station, self.version.hex())


@dataclass(frozen=True, slots=True)
class Place:
    """Who is expected at a seat, what they write, and the attempt's key."""

    seat: str
    placement: str
    registration_number: str
    candidate_name: str
    date_of_birth: date
    citizen_number: str | None
    paper: str
    allowance: timedelta
    attempt: str
    code: str
    package: str
    sequential: bool
    attempt_key: bytes = field(repr=False)

    def view(
        self, *, checkin: str | None = None, state: AttemptState | None = None
    ) -> PlacementView:
        """As the server describes this placement; with its attempt once there is a `state`."""
        return PlacementView(
            id=self.placement,
            registration_number=self.registration_number,
            candidate_name=self.candidate_name,
            date_of_birth=self.date_of_birth,
            citizen_number=self.citizen_number,
            paper=self.paper,
            minutes=int(self.allowance.total_seconds()) // 60,
            checkin=checkin,
            attempt=self.attempt if state is not None else None,
            attempt_state=state,
            sequential=self.sequential,
        )

    def outline(self) -> list[Any]:
        return [
            self.seat,
            self.placement,
            self.registration_number,
            self.candidate_name,
            self.date_of_birth.isoformat(),
            self.citizen_number,
            self.paper,
            round(self.allowance.total_seconds()),
            self.attempt,
            self.code,
            self.package,
            self.sequential,
        ]

    def plain(self) -> list[Any]:
        return [*self.outline(), self.attempt_key]

    @classmethod
    def from_plain(cls, plain: object) -> "Place":
        match plain:
            case [
                str(seat),
                str(placement),
                str(number),
                str(name),
                str(born),
                (str() | None) as citizen,
                str(paper),
                int(allowance),
                str(attempt),
                str(code),
                str(package),
                bool(sequential),
                bytes(key),
            ] if 0 <= allowance < MAX_NUMBER and len(key) == KEY_BYTES:
                return cls(
                    seat,
                    placement,
                    number,
                    name,
                    date.fromisoformat(born),
                    citizen,
                    paper,
                    timedelta(seconds=allowance),
                    attempt,
                    code,
                    package,
                    sequential,
                    key,
                )
        raise ContractError("a place whose fields are of the wrong kind")


@dataclass(frozen=True, slots=True)
class KitPackage:
    """A sealed package of the room. `locked_key`: its content key under the start secret."""

    id: str
    sha256: bytes
    size: int
    locked_key: bytes

    def view(self) -> PackageView:
        return PackageView(id=self.id, sha256=self.sha256, size=self.size)

    def outline(self) -> list[Any]:
        return [self.id, self.sha256, self.size]

    def plain(self) -> list[Any]:
        return [*self.outline(), self.locked_key]

    @classmethod
    def from_plain(cls, plain: object) -> "KitPackage":
        match plain:
            case [str(name), bytes(digest), int(size), bytes(locked)] if 0 <= size < MAX_NUMBER:
                return cls(name, digest, size, locked)
        raise ContractError("a package whose fields are of the wrong kind")


@dataclass(frozen=True, slots=True)
class RoomStation:
    """A station that has a seat of the room, or had one in this shift, and its Ed25519 key."""

    id: str
    signing_key: bytes

    def plain(self) -> list[Any]:
        return [self.id, self.signing_key]

    @classmethod
    def from_plain(cls, plain: object) -> "RoomStation":
        match plain:
            case [str(name), bytes(key)] if len(key) == KEY_BYTES:
                return cls(name, key)
        raise ContractError("a station whose fields are of the wrong kind")


@dataclass(frozen=True, slots=True)
class RoomKit:
    """The opened kit. `seat` is this station's own; `programs`: the versions frozen for the
    shift, if any; `room_code_digest`: by which the room code is known (`contract.room_code`);
    `stations`: by whose keys a move token is checked.
    Nothing of another room is in it, no answer key and nothing of the bank.
    """

    realm: str
    shift: str
    room: str
    station: str
    exam: str
    shift_name: str
    centre: str
    room_name: str
    seat: str
    starts_at: datetime
    late_limit: timedelta
    programs: tuple[str, ...]
    shift_secret: bytes = field(repr=False)
    room_code_digest: bytes = field(repr=False)
    places: tuple[Place, ...]
    packages: tuple[KitPackage, ...]
    stations: tuple[RoomStation, ...]

    @property
    def version(self) -> bytes:
        """Tells this kit from one with another content. Its secrets follow from the rest, so the
        server can say the version of the present kit without making it."""
        places = [place.outline() for place in self.places]
        packages = [package.outline() for package in self.packages]
        stations = [station.plain() for station in self.stations]
        lists = (places, packages, stations)
        outline = canonical.encode(f"{DOMAIN}/outline", SCHEMA, *self._rules(), *lists)
        return hashlib.sha256(outline).digest()

    @property
    def header(self) -> KitHeader:
        return KitHeader(self.realm, self.shift, self.room, self.station, self.version)

    def place_at(self, seat: str) -> Place | None:
        """Who is expected at the seat of this name."""
        return next((place for place in self.places if place.seat == seat), None)

    def place_of(self, attempt: str) -> Place:
        """Who writes `attempt`; ContractError where nobody of this room does."""
        for place in self.places:
            if place.attempt == attempt:
                return place
        raise ContractError("this kit knows no such attempt")

    def package(self, package: str) -> KitPackage:
        for one in self.packages:
            if one.id == package:
                return one
        raise ContractError("this kit knows no such package")

    def signing_key_of(self, station: str) -> Ed25519PublicKey:
        """With what `station` signs; ContractError where it is none of this room."""
        for one in self.stations:
            if one.id == station:
                return Ed25519PublicKey.from_public_bytes(one.signing_key)
        raise ContractError("this kit knows no such station")

    def writing_keys(self, attempt: str, epoch: int) -> WritingKeys:
        """What this station writes `attempt` with, under its lease of that epoch."""
        key = self.place_of(attempt).attempt_key
        return WritingKeys(attempt, epoch, lease_key(self.shift_secret, attempt, epoch), key)

    def content_key(self, package: str, start_secret: bytes) -> bytes:
        """The package's content key; ContractError where the secret is of another room or shift."""
        locked = self.package(package).locked_key
        try:
            return _lock(start_secret, self.shift, package).decrypt(_ONCE, locked, None)
        except (InvalidTag, ValueError) as error:
            raise ContractError("this start secret is not that of this room and shift") from error

    def opens_with(self, start_secret: bytes) -> bool:
        """Whether `start_secret` is that of this room and shift."""
        try:
            for package in self.packages:
                self.content_key(package.id, start_secret)
        except ContractError:
            return False
        return bool(self.packages)

    def _rules(self) -> list[Any]:
        return [
            *(self.realm, self.shift, self.room, self.station),
            *(self.exam, self.shift_name, self.centre, self.room_name, self.seat),
            round(self.starts_at.timestamp() * 1000),
            round(self.late_limit.total_seconds()),
            list(self.programs),
        ]

    def _content(self) -> bytes:
        places = [place.plain() for place in self.places]
        packages = [package.plain() for package in self.packages]
        stations = [station.plain() for station in self.stations]
        rest = (self.shift_secret, self.room_code_digest, places, packages, stations)
        return canonical.encode(f"{DOMAIN}/content", SCHEMA, *self._rules(), *rest)

    def seal(self, holder: X25519PublicKey, signer: Ed25519PrivateKey) -> bytes:
        """The kit for the station that holds the other half of `holder`."""
        header, content = self.header, self._content()
        sealed = wrap(content, holder, Purpose.ROOM_KIT, *header.context())
        plain = (header.realm, header.shift, header.room, header.station, header.version)
        body = canonical.encode(DOMAIN, 1, *plain, sealed)
        return canonical.encode(f"{DOMAIN}/signed", 1, body, signer.sign(body))


def check(data: bytes, server: Ed25519PublicKey) -> tuple[KitHeader, bytes]:
    """Header and sealed content of a kit that `server` signed; ContractError otherwise."""
    body, signature = canonical.decode(f"{DOMAIN}/signed", 1, data, fields=2)
    if not isinstance(body, bytes) or not isinstance(signature, bytes):
        raise ContractError("a kit whose fields are of the wrong kind")
    try:
        server.verify(signature, body)
    except InvalidSignature as error:
        raise ContractError("this kit was not signed by the server") from error
    match canonical.decode(DOMAIN, 1, body, fields=6):
        case [str(realm), str(shift), str(room), str(station), bytes(version), bytes(sealed)]:
            return KitHeader(realm, shift, room, station, version), sealed
    raise ContractError("a kit whose fields are of the wrong kind")


def open_kit(data: bytes, server: Ed25519PublicKey, holder: X25519PrivateKey) -> RoomKit:
    """The kit that `server` signed for this holder; ContractError for any other bytes."""
    header, sealed = check(data, server)
    content = unwrap(sealed, holder, Purpose.ROOM_KIT, *header.context())
    kit = _parsed(content)
    if kit.header != header:
        raise ContractError("a kit whose header is not that of its content")
    return kit


def _parsed(content: bytes) -> RoomKit:
    match canonical.decode(f"{DOMAIN}/content", SCHEMA, content, fields=17):
        case [
            str(realm),
            str(shift),
            str(room),
            str(station),
            str(exam),
            str(shift_name),
            str(centre),
            str(room_name),
            str(seat),
            int(starts_at),
            int(late_limit),
            list(programs),
            bytes(secret),
            bytes(code_digest),
            list(places),
            list(packages),
            list(stations),
        ] if (
            len(secret) == len(code_digest) == KEY_BYTES
            and 0 <= late_limit < MAX_NUMBER
            and all(isinstance(program, str) for program in programs)
        ):
            try:
                return RoomKit(
                    realm,
                    shift,
                    room,
                    station,
                    exam,
                    shift_name,
                    centre,
                    room_name,
                    seat,
                    datetime.fromtimestamp(starts_at / 1000, UTC),
                    timedelta(seconds=late_limit),
                    tuple(programs),
                    secret,
                    code_digest,
                    tuple(Place.from_plain(place) for place in places),
                    tuple(KitPackage.from_plain(package) for package in packages),
                    tuple(RoomStation.from_plain(station) for station in stations),
                )
            except (ValueError, OverflowError, OSError) as error:
                raise ContractError("a kit with a moment that is none") from error
    raise ContractError("a kit whose fields are of the wrong kind")
