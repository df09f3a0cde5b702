"""The time of an attempt that is carried to another station: signed, and bound to its move."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from exam_server.contract import api, canonical
from exam_server.contract.errors import ContractError
from exam_server.contract.move_token import SignedMoveToken

DOMAIN = "truong-thi/carried-time"


@dataclass(frozen=True, slots=True)
class CarriedTime:
    """`token` is the signed move token's bytes; `ledger` the time as it was last known there."""

    token: bytes
    ledger: api.LedgerView
    signature: bytes

    @classmethod
    def sign(
        cls, token: SignedMoveToken, ledger: api.LedgerView, key: Ed25519PrivateKey
    ) -> "CarriedTime":
        return cls(token.to_bytes(), ledger, key.sign(_body(token.to_bytes(), ledger)))

    def check(self, key: Ed25519PublicKey) -> None:
        """ContractError unless the station holding `key` signed it."""
        try:
            key.verify(self.signature, _body(self.token, self.ledger))
        except InvalidSignature as error:
            raise ContractError("the time is not signed by the token's station") from error

    def to_bytes(self) -> bytes:
        ledger = self.ledger.model_dump_json()
        return canonical.encode(f"{DOMAIN}/signed", 1, self.token, ledger, self.signature)

    @classmethod
    def from_bytes(cls, data: bytes) -> "CarriedTime":
        """ContractError unless `data` is such a time, whoever signed it."""
        match canonical.decode(f"{DOMAIN}/signed", 1, data, fields=3):
            case [bytes(token), str(ledger), bytes(signature)]:
                try:
                    return cls(token, api.LedgerView.model_validate_json(ledger), signature)
                except ValidationError as error:
                    raise ContractError("a carried time that is none") from error
        raise ContractError("a carried time whose fields are of the wrong kind")


def _body(token: bytes, ledger: api.LedgerView) -> bytes:
    return canonical.encode(DOMAIN, 1, token, ledger.model_dump_json())
