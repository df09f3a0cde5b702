"""Certificate revocation lists of issuers (ICAO 9303-12 §7.1.4, RFC 5280 §5)."""

from dataclasses import dataclass
from datetime import datetime

from asn1crypto import crl as asn1_crl
from asn1crypto import pem

from card_reader import tlv
from card_reader.asn1 import parsing
from card_reader.cms import name_key
from card_reader.errors import CardReason, MalformedCertificateError, UnsupportedAlgorithmError
from card_reader.trust.certificates import Certificate
from card_reader.trust.signatures import parse_signature_algorithm, verify_signature

MAX_CRL = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RevocationList:
    """One CRL: its ``issuer`` (comparable name), the revoked serial numbers, its period."""

    issuer: str
    authority_key_id: bytes | None
    serials: frozenset[int]
    this_update: datetime
    next_update: datetime | None
    tbs: bytes
    signature_algorithm: bytes
    signature: bytes

    def signed_by(self, issuer: Certificate) -> bool:
        """Whether the list verifies under ``issuer``'s key."""
        try:
            algorithm = parse_signature_algorithm(self.signature_algorithm, None)
            return verify_signature(issuer.public_key, algorithm, self.tbs, self.signature)
        except (UnsupportedAlgorithmError, MalformedCertificateError):
            return False

    def is_stale(self, now: datetime) -> bool:
        """Whether a newer list is due.  A list without a next update is always due."""
        return self.next_update is None or now > self.next_update


def parse_crl(data: bytes) -> RevocationList:
    """One CRL in DER or PEM."""
    if len(data) > MAX_CRL:
        raise MalformedCertificateError(f"a CRL of {len(data)} bytes", CardReason.TOO_LARGE)
    with parsing("a revocation list", MalformedCertificateError):
        raw = pem.unarmor(data)[2] if pem.detect(data) else data
        outer = asn1_crl.CertificateList.load(raw, strict=True)
        body = outer["tbs_cert_list"]
        return RevocationList(
            issuer=name_key(body["issuer"]),
            authority_key_id=outer.authority_key_identifier_value["key_identifier"].native
            if outer.authority_key_identifier_value
            else None,
            serials=frozenset(
                int(item["user_certificate"].native) for item in body["revoked_certificates"]
            ),
            this_update=body["this_update"].native,
            next_update=body["next_update"].native,
            tbs=tlv.parse_prefix(tlv.parse(raw).value)[0].raw,
            signature_algorithm=outer["signature_algorithm"].dump(),
            signature=bytes(outer["signature"]),
        )
