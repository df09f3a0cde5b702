"""Certificates and CMS objects for tests, with every oddity that real issuers allow themselves.

Written with plain DER and the signatures of ``cryptography``, so that it shares nothing with the
code under test.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
CARD_SECURITY = "0.4.0.127.0.7.3.2.1"
MASTER_LIST = "2.23.136.1.1.2"
DIGESTS = {
    "sha1": ("1.3.14.3.2.26", hashes.SHA1()),
    "sha224": ("2.16.840.1.101.3.4.2.4", hashes.SHA224()),
    "sha256": ("2.16.840.1.101.3.4.2.1", hashes.SHA256()),
    "sha384": ("2.16.840.1.101.3.4.2.2", hashes.SHA384()),
    "sha512": ("2.16.840.1.101.3.4.2.3", hashes.SHA512()),
}
RSA_OIDS = {"sha1": 5, "sha224": 14, "sha256": 11, "sha384": 12, "sha512": 13}
CURVES = {
    curve.name: curve
    for curve in (
        ec.SECP192R1(), ec.SECP224R1(), ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(),
        ec.BrainpoolP256R1(), ec.BrainpoolP384R1(), ec.BrainpoolP512R1(),
    )
}  # fmt: skip
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


# --- DER ----------------------------------------------------------------------------------------


def der(tag: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        return bytes([tag, size]) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def sequence(*parts: bytes) -> bytes:
    return der(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return der(0x31, *sorted(parts))


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: bytes) -> bytes:
    return der(0x04, value)


def bits(value: bytes, unused: int = 0) -> bytes:
    return der(0x03, bytes([unused]), value)


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    encoded = b""
    for number in (40 * first + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        encoded += bytes(reversed(groups))
    return der(0x06, encoded)


def utc_time(moment: datetime) -> bytes:
    return der(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())


def name(country: str, common: str, tag: int = 0x0C) -> bytes:
    return sequence(
        der(0x31, sequence(oid("2.5.4.6"), der(0x13, country.encode()))),
        der(0x31, sequence(oid("2.5.4.3"), der(tag, common.encode()))),
    )


def digest_algorithm(hash_name: str) -> bytes:
    return sequence(oid(DIGESTS[hash_name][0]), der(0x05))


# --- signatures ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scheme:
    """How to sign: ``kind`` rsa, pss, ecdsa or plain; ``bare`` names the key type alone."""

    kind: str
    hash_name: str = "sha256"
    mask_name: str = "sha256"
    salt: int = 32
    bare: bool = False

    def identifier(self) -> bytes:
        if self.kind == "rsa":
            number = 1 if self.bare else RSA_OIDS[self.hash_name]
            return sequence(oid(f"1.2.840.113549.1.1.{number}"), der(0x05))
        if self.kind == "pss":
            mask = sequence(oid("1.2.840.113549.1.1.8"), digest_algorithm(self.mask_name))
            parameters = sequence(
                der(0xA0, digest_algorithm(self.hash_name)),
                der(0xA1, mask),
                der(0xA2, integer(self.salt)),
            )
            return sequence(oid("1.2.840.113549.1.1.10"), parameters)
        numbers = {"sha1": 1, "sha224": 2, "sha256": 3, "sha384": 4, "sha512": 5}
        number = numbers[self.hash_name]
        if self.kind == "plain":
            return sequence(oid(f"0.4.0.127.0.7.1.1.4.1.{number}"))
        if self.bare:
            return sequence(oid("1.2.840.10045.2.1"))
        known = "1.2.840.10045.4.1" if number == 1 else f"1.2.840.10045.4.3.{number - 1}"
        return sequence(oid(known))

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        used = DIGESTS[self.hash_name][1]
        if isinstance(key, rsa.RSAPrivateKey):
            if self.kind == "rsa":
                return key.sign(message, padding.PKCS1v15(), used)
            mask = padding.MGF1(DIGESTS[self.mask_name][1])
            return key.sign(message, padding.PSS(mask, self.salt), used)
        signature = key.sign(message, ec.ECDSA(used))
        if self.kind == "ecdsa":
            return signature
        size = (key.key_size + 7) // 8
        return b"".join(
            part.to_bytes(size, "big") for part in utils.decode_dss_signature(signature)
        )


@lru_cache(maxsize=32)
def rsa_key(exponent: int = 65537, bits_: int = 2048, which: int = 0) -> rsa.RSAPrivateKey:
    """One key for each ``which``."""
    return rsa.generate_private_key(exponent, bits_)


@lru_cache(maxsize=32)
def ec_key(curve: str = "secp256r1", which: int = 0) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(CURVES[curve])


# --- certificates -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Party:
    """A certificate with its key and the scheme that its key signs with."""

    raw: bytes
    key: PrivateKey
    scheme: Scheme
    name: bytes
    serial: bytes
    key_id: bytes


@dataclass(frozen=True)
class Shape:
    """What a certificate looks like.  ``usage`` is the first byte of the key usage."""

    usage: int | None = 0x04
    ca: bool | None = True
    key_id: bytes | None = None
    authority_key_id: bytes | None = None
    serial: bytes = b"\x01"
    not_before: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    not_after: datetime = datetime(2035, 1, 1, tzinfo=UTC)
    inner_scheme: Scheme | None = None
    further: tuple[bytes, ...] = ()


CSCA = Shape()
SIGNER = Shape(usage=0x80, ca=None)


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    return sequence(oid(dotted), der(0x01, b"\xff") if critical else b"", octets(value))


def spki(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def certificate(
    subject: bytes,
    key: PrivateKey,
    scheme: Scheme,
    issuer: "Party | None" = None,
    shape: Shape = CSCA,
    public: bytes | None = None,
) -> Party:
    """A certificate for ``key`` from ``issuer`` (itself without one); ``scheme`` is the key's."""
    issuing_key = issuer.key if issuer else key
    used = issuer.scheme if issuer else scheme
    extensions = list(shape.further)
    if shape.ca is not None:
        flag = der(0x01, b"\xff") if shape.ca else b""
        extensions.append(extension("2.5.29.19", sequence(flag), critical=True))
    if shape.usage is not None:
        extensions.append(extension("2.5.29.15", bits(bytes([shape.usage])), critical=True))
    key_id = shape.key_id or x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    if shape.key_id is not None:
        extensions.append(extension("2.5.29.14", octets(shape.key_id)))
    if shape.authority_key_id is not None:
        extensions.append(extension("2.5.29.35", sequence(der(0x80, shape.authority_key_id))))
    body = sequence(
        der(0xA0, integer(2)),
        der(0x02, shape.serial),
        (shape.inner_scheme or used).identifier(),
        issuer.name if issuer else subject,
        sequence(utc_time(shape.not_before), utc_time(shape.not_after)),
        subject,
        public or spki(key),
        der(0xA3, sequence(*extensions)) if extensions else b"",
    )
    raw = sequence(body, used.identifier(), bits(used.sign(issuing_key, body)))
    return Party(raw, key, scheme, subject, shape.serial, key_id)


def revocation_list(
    issuer: Party,
    serials: Sequence[bytes] = (),
    *,
    next_update: datetime | None = datetime(2027, 1, 1, tzinfo=UTC),
    extensions: Sequence[bytes] = (),
) -> bytes:
    rows = [sequence(der(0x02, serial), utc_time(NOW)) for serial in serials]
    body = sequence(
        integer(1),
        issuer.scheme.identifier(),
        issuer.name,
        utc_time(NOW),
        utc_time(next_update) if next_update else b"",
        sequence(*rows) if rows else b"",
        der(0xA0, sequence(*extensions)) if extensions else b"",
    )
    signature = issuer.scheme.sign(issuer.key, body)
    return sequence(body, issuer.scheme.identifier(), bits(signature))


# --- signed data --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """How a SignedData is written down.

    ``attributes``: der (sorted and signed so), unsorted (sent and signed in another order),
    resent (signed as DER, sent in another order) or none.
    """

    content_type: str = LDS_SECURITY_OBJECT
    attribute_type: str | None = None
    attributes: str = "der"
    by_key_id: bool = False
    embedded: bool = True
    digest: str | None = None
    indefinite: bool = False
    constructed: bool = False
    signing_time: datetime | None = None
    digest_value: bytes | None = None
    named: Party | None = field(default=None)


def digest_of(hash_name: str, data: bytes) -> bytes:
    context = hashes.Hash(DIGESTS[hash_name][1])
    context.update(data)
    return context.finalize()


def signed_data(content: bytes, *parties: Party, form: Form | None = None) -> bytes:
    """A ContentInfo with SignedData over ``content``, signed by every party."""
    form = form or Form()
    digests = {form.digest or party.scheme.hash_name for party in parties}
    encapsulated = octets(content)
    if form.constructed:
        middle = len(content) // 2
        encapsulated = der(0x24, octets(content[:middle]), octets(content[middle:]))
    embedded = b"".join(party.raw for party in parties) if form.embedded else b""
    body = [
        integer(3),
        set_of(*(digest_algorithm(item) for item in digests)),
        sequence(oid(form.content_type), der(0xA0, encapsulated)),
        der(0xA0, embedded) if embedded else b"",
        der(0x31, *(signer_info(content, party, form) for party in parties)),
    ]
    data_oid = oid("1.2.840.113549.1.7.2")
    if form.indefinite:
        body = [_open_ended(part) if part[:1] in (b"\x30", b"\x31") else part for part in body]
        open_ended = b"\x30\x80" + b"".join(body) + b"\x00\x00"
        return b"\x30\x80" + data_oid + b"\xa0\x80" + open_ended + b"\x00\x00\x00\x00"
    return sequence(data_oid, der(0xA0, sequence(*body)))


def signer_info(content: bytes, party: Party, form: Form) -> bytes:
    hash_name = form.digest or party.scheme.hash_name
    named = form.named or party
    identifier = sequence(issuer_of(named.raw), der(0x02, named.serial))
    if form.by_key_id:
        identifier = der(0x80, named.key_id)
    message, sent = content, b""
    if form.attributes != "none":
        message, sent = attributes(content, hash_name, form)
    return sequence(
        integer(3 if form.by_key_id else 1),
        identifier,
        digest_algorithm(hash_name),
        sent,
        party.scheme.identifier(),
        octets(party.scheme.sign(party.key, message)),
    )


def attributes(content: bytes, hash_name: str, form: Form) -> tuple[bytes, bytes]:
    """The bytes that are signed and those that are sent."""
    value = form.digest_value or digest_of(hash_name, content)
    content_type = oid(form.attribute_type or form.content_type)
    items = [
        sequence(oid("1.2.840.113549.1.9.4"), der(0x31, octets(value))),
        sequence(oid("1.2.840.113549.1.9.3"), der(0x31, content_type)),
    ]
    if form.signing_time:
        moment = utc_time(form.signing_time)
        items.append(sequence(oid("1.2.840.113549.1.9.5"), der(0x31, moment)))
    ordered, other = sorted(items), sorted(items, reverse=True)
    sent = ordered if form.attributes == "der" else other
    signed = other if form.attributes == "unsorted" else ordered
    return der(0x31, *signed), der(0xA0, *sent)


def issuer_of(raw: bytes) -> bytes:
    """The issuer's name in a certificate, as raw DER."""
    return bytes(asn1_x509.Certificate.load(raw).issuer.dump())


def security_object(groups: dict[int, bytes], hash_name: str = "sha256") -> bytes:
    """An LDSSecurityObject over data groups."""
    rows = [
        sequence(integer(number), octets(digest_of(hash_name, content)))
        for number, content in groups.items()
    ]
    return sequence(integer(0), digest_algorithm(hash_name), sequence(*rows))


def master_list(certificates: Sequence[bytes], *parties: Party) -> bytes:
    content = sequence(integer(0), der(0x31, *certificates))
    return signed_data(content, *parties, form=Form(content_type=MASTER_LIST))


@lru_cache(maxsize=1)
def sample_state() -> tuple[Party, Party]:
    """A CSCA and its document signer."""
    scheme = Scheme("ecdsa")
    csca = certificate(
        name("UT", "CSCA"), ec_key(which=1), scheme, shape=replace(CSCA, key_id=b"c" * 20)
    )
    shape = replace(SIGNER, serial=b"\x05", key_id=b"d" * 20, authority_key_id=b"c" * 20)
    return csca, certificate(name("UT", "DS"), ec_key(which=2), scheme, csca, shape)


def _open_ended(raw: bytes) -> bytes:
    """The same object with an indefinite length."""
    start = 2 + (raw[1] & 0x7F if raw[1] & 0x80 else 0)
    return raw[:1] + b"\x80" + raw[start:] + b"\x00\x00"
