"""The receipt: the server's signed word on what it holds of an attempt."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError

DOMAIN = "truong-thi/receipt"


def _moment(milliseconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ContractError("a receipt whose moment is no moment") from error


@dataclass(frozen=True, slots=True)
class Receipt:
    """`sequence` and `head` fix every record; `answered` counts items with an answer."""

    attempt: str
    realm: str
    registration_number: str
    paper: str
    code: str
    sequence: int
    head: bytes
    answered: int
    submitted_at: datetime

    def to_bytes(self) -> bytes:
        moment = round(self.submitted_at.timestamp() * 1000)
        fields = (self.attempt, self.realm, self.registration_number, self.paper, self.code)
        return canonical.encode(DOMAIN, 1, *fields, self.sequence, self.head, self.answered, moment)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Receipt":
        """ContractError unless `data` is a receipt. Proves nothing about its signature."""
        match canonical.decode(DOMAIN, 1, data, fields=9):
            case [
                str(attempt),
                str(realm),
                str(number),
                str(paper),
                str(code),
                int(sequence),
                bytes(head),
                int(answered),
                int(moment),
            ]:
                at = _moment(moment)
                return cls(attempt, realm, number, paper, code, sequence, head, answered, at)
        raise ContractError("a receipt whose fields are of the wrong kind")

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        return key.sign(self.to_bytes())

    def check(self, signature: bytes, key: Ed25519PublicKey) -> None:
        """ContractError unless the server holding `key` signed this receipt."""
        try:
            key.verify(signature, self.to_bytes())
        except InvalidSignature as error:
            raise ContractError("the receipt is not signed by the server") from error

    @property
    def short_code(self) -> str:
        return head_code(self.head)


def head_code(head: bytes) -> str:
    """A chain's head for people: 16 characters in groups of four (80 bits, base 32)."""
    text = base64.b32encode(head[:10]).decode()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))
