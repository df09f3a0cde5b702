"""Certificate revocation lists of issuers (ICAO 9303-12 §7.1.4, RFC 5280 §5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import crl as asn1_crl
from asn1crypto import pem

from card_reader import tlv
from card_reader.asn1 import parsing, unsigned
from card_reader.distinguished_names import parse_name
from card_reader.errors import CardError, CardReason, MalformedCertificateError
from card_reader.trust.certificates import Certificate, parse_time
from card_reader.trust.signatures import parse_signature_algorithm, verify_signature

MAX_CRL = 2 * 1024 * 1024
MAX_REVOKED = 50_000
# Critical extensions that do not narrow what a list speaks of: it is a whole list all the same.
_HARMLESS = frozenset({"authority_key_identifier", "crl_number", "issuer_alt_name"})


@dataclass(frozen=True, slots=True)
class RevocationList:
    """One CRL: its ``issuer`` (comparable name), the revoked serial numbers, its period.

    ``is_whole`` is false where a critical extension says that the list is a part of another one
    (a delta, one reason, one kind of certificate): what it revokes is revoked, but what it does
    not name is not thereby good (RFC 5280 §5.2).
    """

    raw: bytes
    issuer: str
    authority_key_id: bytes | None
    serials: frozenset[int]
    this_update: datetime
    next_update: datetime | None
    is_whole: bool
    tbs: bytes
    signature_algorithm: bytes
    signature: bytes

    def signed_by(self, issuer: Certificate) -> bool:
        """Whether the list verifies under ``issuer``'s key."""
        try:
            algorithm = parse_signature_algorithm(self.signature_algorithm, None)
            return verify_signature(issuer.public_key, algorithm, self.tbs, self.signature)
        except CardError:
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
    with parsing("a revocation list", MalformedCertificateError, raw):
        outer = asn1_crl.CertificateList.load(raw, strict=True)
        body = outer["tbs_cert_list"]
        revoked = body["revoked_certificates"]
        if len(revoked) > MAX_REVOKED:
            raise MalformedCertificateError("too many certificates revoked", CardReason.TOO_LARGE)
        next_update = body["next_update"]
        return RevocationList(
            raw=raw,
            issuer=parse_name(body["issuer"].dump()).key,
            authority_key_id=_authority_key_id(outer),
            serials=frozenset(unsigned(item["user_certificate"].contents) for item in revoked),
            this_update=parse_time(body["this_update"].dump()),
            next_update=parse_time(next_update.dump()) if next_update.native else None,
            is_whole=_is_whole(body["crl_extensions"]),
            tbs=tlv.parse_prefix(tlv.parse(raw).value)[0].raw,
            signature_algorithm=outer["signature_algorithm"].dump(),
            signature=bytes(outer["signature"]),
        )


def _authority_key_id(outer: asn1_crl.CertificateList) -> bytes | None:
    value = outer.authority_key_identifier_value
    return value["key_identifier"].native if value else None


def _is_whole(extensions: Iterable[asn1_crl.TBSCertListExtension]) -> bool:
    return all(
        item["extn_id"].native in _HARMLESS for item in extensions if item["critical"].native
    )
