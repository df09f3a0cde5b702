"""A test master list: authorities' certificates, signed (ICAO 9303-12 §9), as CMS and as LDIF."""

import base64
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from card_reader import tlv
from card_reader.simulator import certificates, signed_data
from card_reader.simulator.certificates import Authority, Period, Random, Signer
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.signature_schemes import default_algorithm
from card_reader.simulator.signing_keys import KeyKind, new_key

CSCA_MASTER_LIST = "2.23.136.1.1.2"
_SEQUENCE, _SET = 0x30, 0x31
_SIGNER_DAYS = timedelta(days=365)
_LDIF_WIDTH = 76  # RFC 2849: longer lines are folded


def build(
    listed: Sequence[x509.Certificate],
    issuer: Issuer,
    *,
    kind: KeyKind = KeyKind.P256,
    rng: Random = os.urandom,
    now: datetime | None = None,
) -> bytes:
    """The CMS object over `listed`, under a master list signer of `issuer`.

    The issuer's own authority stands beside the signer's certificate, so that a reader can chain.
    """
    moment = now or datetime.now(UTC)
    signer = _signer(issuer, kind, rng, moment)
    return signed_data.sign(
        CSCA_MASTER_LIST,
        _content(listed),
        signer,
        default_algorithm(signer.key),
        moment,
        rng,
        certificates=(issuer.csca.der,),
    )


def ldif(master_list: bytes, country: str) -> bytes:
    """The list as one entry of the ICAO PKD's export."""
    name = f"cn=CN\\=Master List Signer TEST\\,C\\={country},o=ml,c={country},dc=data,dc=download"
    encoded = base64.b64encode(master_list).decode("ascii")
    lines = (
        f"dn: {name},dc=pkd,dc=icao,dc=int",
        "objectClass: top",
        "objectClass: pkdMasterList",
        f"pkdMasterListContent:: {encoded}",
    )
    return ("version: 1\n\n" + "\n".join(map(_folded, lines)) + "\n").encode("ascii")


def _signer(issuer: Issuer, kind: KeyKind, rng: Random, now: datetime) -> Signer:
    key = new_key(kind, rng)
    subject = certificates.distinguished_name(issuer.country, "Master List Signer TEST")
    authority = Authority.of(issuer.csca)
    period = Period(now - timedelta(days=1), now + _SIGNER_DAYS)
    certificate = certificates.master_list_signer_certificate(subject, key, authority, period, rng)
    return Signer(certificate, key)


def _content(listed: Sequence[x509.Certificate]) -> bytes:
    """CscaMasterList ::= SEQUENCE { version 0, certList SET OF Certificate }, in DER order."""
    items = sorted(item.public_bytes(Encoding.DER) for item in listed)
    version = bytes(core.Integer(0).dump())
    return tlv.encode(_SEQUENCE, version + tlv.encode(_SET, b"".join(items)))


def _folded(line: str) -> str:
    head, rest = line[:_LDIF_WIDTH], line[_LDIF_WIDTH:]
    width = _LDIF_WIDTH - 1  # behind the space that continues a line
    return "\n ".join([head, *(rest[at : at + width] for at in range(0, len(rest), width))])
