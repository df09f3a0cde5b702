"""The one-time enrolment token: where the server is, how to know it, and the right to join once."""

import base64
import binascii
from dataclasses import dataclass

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError

PREFIX = "tt1."
DOMAIN = "truong-thi/enrolment"


@dataclass(frozen=True, slots=True)
class EnrolmentToken:
    """`fingerprint` is the SHA-256 of the server's TLS certificate in DER; `secret` 16 bytes."""

    url: str
    fingerprint: bytes
    secret: bytes

    def to_text(self) -> str:
        data = canonical.encode(DOMAIN, 1, self.url, self.fingerprint, self.secret)
        return PREFIX + base64.urlsafe_b64encode(data).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str) -> "EnrolmentToken":
        """ContractError where `text` is no whole token."""
        text = text.strip()
        if not text.startswith(PREFIX) or len(text) > 1000:
            raise ContractError("this is not an enrolment token; copy it whole, from tt1. on")
        body = text.removeprefix(PREFIX)
        try:
            data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            url, fingerprint, secret = canonical.decode(DOMAIN, 1, data, fields=3)
        except (binascii.Error, ValueError, ContractError) as error:
            raise ContractError("the enrolment token is damaged; copy it again") from error
        sound = (
            isinstance(url, str) and isinstance(fingerprint, bytes) and isinstance(secret, bytes)
        )
        if (
            not sound
            or not url.startswith("https://")
            or (len(fingerprint), len(secret)) != (32, 16)
        ):
            raise ContractError("the enrolment token is damaged; copy it again")
        return cls(url=url, fingerprint=fingerprint, secret=secret)
