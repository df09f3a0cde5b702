"""The move token: a station's signed word that it writes an attempt no more, and up to where.

It goes with the journal to another station where there is no network. That one goes on under the
next epoch, and shows the token to the server once it can be reached.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError
from exam_server.contract.records import MAX_NUMBER

DOMAIN = "truong-thi/move-token"


@dataclass(frozen=True, slots=True)
class MoveToken:
    """`sequence` and `head` are of the last record that `station` wrote under its lease `epoch`.

    `seat` is where the candidate is sent, None where that was left open; `at` the moment by the
    station's clock (server time, milliseconds).
    """

    attempt: str
    station: str
    epoch: int
    sequence: int
    head: bytes
    seat: str | None
    at: datetime

    def to_bytes(self) -> bytes:
        moment = round(self.at.timestamp() * 1000)
        own = (self.attempt, self.station, self.epoch, self.sequence, self.head)
        return canonical.encode(DOMAIN, 1, *own, self.seat, moment)

    @classmethod
    def from_bytes(cls, data: bytes) -> "MoveToken":
        """ContractError unless `data` is a token. Proves nothing about its signature."""
        match canonical.decode(DOMAIN, 1, data, fields=7):
            case [
                str(attempt),
                str(station),
                int(epoch),
                int(sequence),
                bytes(head),
                (str() | None) as seat,
                int(moment),
            ] if 0 < epoch < MAX_NUMBER - 1 and 0 <= sequence < MAX_NUMBER and len(head) == 32:
                return cls(attempt, station, epoch, sequence, head, seat, _moment(moment))
        raise ContractError("a move token whose fields are of the wrong kind")


def _moment(milliseconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ContractError("a move token whose moment is no moment") from error


@dataclass(frozen=True, slots=True)
class SignedMoveToken:
    """A token as it travels; `body` is exactly what was signed."""

    body: bytes
    signature: bytes

    @classmethod
    def sign(cls, token: MoveToken, key: Ed25519PrivateKey) -> "SignedMoveToken":
        body = token.to_bytes()
        return cls(body, key.sign(body))

    @property
    def token(self) -> MoveToken:
        """What it says; ContractError where it is none. Believe it only after `check`."""
        return MoveToken.from_bytes(self.body)

    def check(self, key: Ed25519PublicKey) -> MoveToken:
        """The token; ContractError unless the station holding `key` signed it."""
        try:
            key.verify(self.signature, self.body)
        except InvalidSignature as error:
            raise ContractError("the move token is not signed by its station") from error
        return self.token

    def to_bytes(self) -> bytes:
        return canonical.encode(f"{DOMAIN}/signed", 1, self.body, self.signature)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SignedMoveToken":
        """ContractError unless `data` is a signed token, whoever signed it."""
        match canonical.decode(f"{DOMAIN}/signed", 1, data, fields=2):
            case [bytes(body), bytes(signature)]:
                signed = cls(body, signature)
                _ = signed.token  # raises where it is none
                return signed
        raise ContractError("a signed move token whose fields are of the wrong kind")
