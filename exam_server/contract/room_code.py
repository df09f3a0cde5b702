"""The room code: told to a room's proctors on the day, for the case that there is no network.

Ten characters: eight of the secret (40 bits) and two that tell typing errors. It proves that a
proctor stood at the kiosk: the chip's challenge is derived from it, and so is the word that the
proctor confirmed this very check-in. Who types it is never told whether the server would agree;
the server computes both again once it can be reached.
"""

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError
from exam_server.contract.start_code import ALPHABET, FORGIVEN

SECRET_CHARACTERS, CHECK_CHARACTERS, GROUP = 8, 2, 5
SECRET_BYTES = SECRET_CHARACTERS * 5 // 8
CHALLENGE_BYTES = 8

#: A kiosk's disk may be stolen before the day: 40 bits are tried at this cost (RFC 7914 §2).
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 1


@dataclass(frozen=True, slots=True, repr=False)
class RoomCode:
    """The code of one room in one shift."""

    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise ContractError(f"a room code has {SECRET_BYTES} bytes")

    @property
    def text(self) -> str:
        """As it is printed and typed: two groups of five."""
        written = _written(self.secret) + _check(self.secret)
        return f"{written[:GROUP]}-{written[GROUP:]}"

    @classmethod
    def from_text(cls, text: str) -> "RoomCode":
        """ContractError where it is mistyped. Case, spaces and hyphens do not matter."""
        typed = "".join(text.upper().split()).replace("-", "").translate(FORGIVEN)
        if len(typed) != SECRET_CHARACTERS + CHECK_CHARACTERS or not {*typed} <= {*ALPHABET}:
            raise ContractError("a room code has ten letters and digits")
        number = 0
        for character in typed[:SECRET_CHARACTERS]:
            number = number * 32 + ALPHABET.index(character)
        code = cls(number.to_bytes(SECRET_BYTES, "big"))
        if _check(code.secret) != typed[SECRET_CHARACTERS:]:
            raise ContractError("the room code is mistyped; compare it character by character")
        return code

    def digest(self, shift: str, room: str) -> bytes:
        """What a station may hold of it, to tell a wrong code at once (scrypt, 32 bytes)."""
        salt = canonical.encode("truong-thi/room-code", 1, shift, room)
        kdf = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
        return kdf.derive(self.secret)

    def challenge(self, station_secret: bytes, placement: str, counter: int) -> bytes:
        """Eight bytes for the chip. `station_secret` is the station's own of the shift; `counter`
        never comes twice at a station, so that no chip answers one challenge twice."""
        purpose = ("truong-thi/room-challenge", 1, placement, counter)
        return self._mac(station_secret, *purpose)[:CHALLENGE_BYTES]

    def confirmation(self, station_secret: bytes, placement: str, checkin: bytes) -> bytes:
        """The proctor's word on the check-in whose SHA-256 is `checkin` (32 bytes)."""
        return self._mac(station_secret, "truong-thi/room-confirmation", 1, placement, checkin)

    def _mac(self, station_secret: bytes, domain: str, schema: int, *fields: object) -> bytes:
        key = hmac.digest(station_secret, self.secret, "sha256")
        return hmac.digest(key, canonical.encode(domain, schema, *fields), "sha256")


def _written(secret: bytes) -> str:
    number = int.from_bytes(secret, "big")
    return "".join(
        ALPHABET[number >> shift & 31] for shift in range(5 * (SECRET_CHARACTERS - 1), -1, -5)
    )


def _check(secret: bytes) -> str:
    digest = hashlib.sha256(b"truong-thi/room-code-check" + secret).digest()
    number = int.from_bytes(digest[:2], "big")
    return ALPHABET[number >> 5 & 31] + ALPHABET[number & 31]
