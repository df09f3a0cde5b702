"""Signed files taken apart: any one part can be left out or changed, and the whole signed anew.

Parts are DER; an empty one is left out.  The signatures are right over what is wrong, so that a
test's finding can come from the change alone.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from asn1crypto import algos, cms, core, keys, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, padding, rsa

from card_reader import tlv
from card_reader.domain_parameters import standardised
from card_reader.simulator import signature_schemes
from card_reader.simulator.certificates import Signer
from card_reader.simulator.security_object import LDS_SECURITY_OBJECT
from card_reader.simulator.signature_schemes import default_algorithm
from card_reader.simulator.signing_keys import KeyKind, SigningKey, new_key, public_key_info
from card_reader.trust.signatures import HASHES, SignatureAlgorithm

SEQUENCE, SET, INTEGER, OCTETS, BITS, TRUE = 0x30, 0x31, 0x02, 0x04, 0x03, b"\x01\x01\xff"
SIGNED_DATA, CONTENT_TYPE, MESSAGE_DIGEST = (
    "1.2.840.113549.1.7.2",
    "1.2.840.113549.1.9.3",
    "1.2.840.113549.1.9.4",
)
KEY_USAGE, AUTHORITY_KEY_ID, SUBJECT_KEY_ID = "2.5.29.15", "2.5.29.35", "2.5.29.14"
MD5, MD5_WITH_RSA = "1.2.840.113549.2.5", "1.2.840.113549.1.1.4"
RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
SOD_TAG = 0x77


def der(tag: int, *parts: bytes) -> bytes:
    return tlv.encode(tag, b"".join(parts))


def integer(number: int) -> bytes:
    return bytes(core.Integer(number).dump())


def oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


def hash_identifier(name: str) -> bytes:
    dotted = MD5 if name == "md5" else algos.DigestAlgorithmId.unmap(name)
    return der(SEQUENCE, oid(dotted))


# --- keys -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pen:
    """A key with one way of signing: its AlgorithmIdentifier, and its own SubjectPublicKeyInfo."""

    identifier: bytes
    sign: Callable[[bytes], bytes]
    spki: bytes

    @property
    def key_id(self) -> bytes:
        bits = keys.PublicKeyInfo.load(self.spki)["public_key"].contents[1:]
        return hashlib.sha1(bits).digest()


@cache
def key(kind: KeyKind, owner: str) -> SigningKey:
    """The owner's key of that kind, made once: RSA keys take their time."""
    return new_key(kind, os.urandom)


def pen(signing_key: SigningKey, algorithm: SignatureAlgorithm | None = None) -> Pen:
    used = algorithm or default_algorithm(signing_key)
    return Pen(
        bytes(signature_schemes.identifier(used).dump()),
        lambda message: signature_schemes.sign(signing_key, used, message, os.urandom),
        public_key_info(signing_key),
    )


def md5_pen(signing_key: rsa.RSAPrivateKey) -> Pen:
    return Pen(
        der(SEQUENCE, oid(MD5_WITH_RSA), b"\x05\x00"),
        lambda message: signing_key.sign(message, padding.PKCS1v15(), hashes.MD5()),
        public_key_info(signing_key),
    )


def dsa_pen(hash_name: str, owner: str) -> Pen:
    """DSA in the group of 2048 bits with a subgroup of 256 (RFC 5114 §2.3)."""
    group = standardised(2)
    assert group is not None
    secret = int.from_bytes(hashlib.sha256(owner.encode()).digest(), "big") % group.order
    parameters = dsa.DSAParameterNumbers(group.p, group.q, group.generator)
    public = dsa.DSAPublicNumbers(group.public(secret), parameters)
    private = dsa.DSAPrivateNumbers(secret, public).private_key()
    numbers = keys.DSAParams({"p": group.p, "q": group.q, "g": group.generator})
    algorithm = keys.PublicKeyAlgorithm({"algorithm": "dsa", "parameters": numbers})
    spki = keys.PublicKeyInfo({"algorithm": algorithm, "public_key": core.Integer(public.y)})
    return Pen(
        der(SEQUENCE, oid(algos.SignedDigestAlgorithmId.unmap(f"{hash_name}_dsa"))),
        lambda message: private.sign(message, HASHES[hash_name]),
        bytes(spki.dump()),
    )


# --- certificates ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class CertificateDraft:
    """The parts of a certificate; `extensions` holds (dotted, critical, DER of the value)."""

    version: bytes
    serial: bytes
    inner: bytes
    issuer: bytes
    validity: bytes
    subject: bytes
    spki: bytes
    extensions: tuple[tuple[str, bool, bytes], ...]
    outer: bytes

    @classmethod
    def of(cls, certificate: bytes) -> "CertificateDraft":
        body, outer, _ = tlv.parse(certificate).children()
        version, serial, inner, issuer, validity, subject, spki, _ = body.children()
        extensions = x509.Certificate.load(certificate)["tbs_certificate"]["extensions"]
        rows = [
            (row["extn_id"].dotted, row["critical"].native, bytes(row["extn_value"].contents))
            for row in extensions
        ]
        fixed = (version, serial, inner, issuer, validity, subject, spki)
        return cls(*(item.raw for item in fixed), tuple(rows), outer.raw)

    def with_pens(self, authority: Pen, own: Pen) -> "CertificateDraft":
        """For another key, under another authority's."""
        changed = replace(
            self, inner=authority.identifier, outer=authority.identifier, spki=own.spki
        )
        return changed.with_extension(SUBJECT_KEY_ID, der(OCTETS, own.key_id)).with_extension(
            AUTHORITY_KEY_ID, der(SEQUENCE, der(0x80, authority.key_id))
        )

    def with_extension(
        self, dotted: str, value: bytes, *, critical: bool | None = None
    ) -> "CertificateDraft":
        """An empty value leaves the extension out."""
        rows = [
            (name, old if critical is None else critical, value) if name == dotted else row
            for row in self.extensions
            for name, old, _ in [row]
        ]
        return replace(self, extensions=tuple(row for row in rows if row[2]))

    def signed(
        self, authority: Pen, envelope: Callable[[bytes], bytes] = lambda signature: signature
    ) -> bytes:
        """The certificate; `envelope` changes the BIT STRING of the signature."""
        rows = [
            der(SEQUENCE, oid(dotted), TRUE if critical else b"", der(OCTETS, value))
            for dotted, critical, value in self.extensions
        ]
        extensions = der(0xA3, der(SEQUENCE, *rows)) if rows else b""
        fixed = (self.version, self.serial, self.inner, self.issuer, self.validity)
        body = der(SEQUENCE, *fixed, self.subject, self.spki, extensions)
        signature = der(BITS, b"\x00", authority.sign(body))
        return der(SEQUENCE, body, self.outer, envelope(signature))


# --- LDS security object --------------------------------------------------------------------------


@dataclass(frozen=True)
class ObjectDraft:
    """The parts of the LDS security object; `hashes` holds (number, hash) in DER."""

    version: bytes
    algorithm: bytes
    hashes: tuple[tuple[bytes, bytes], ...]
    versions: bytes = b""

    @classmethod
    def of(cls, groups: dict[int, bytes], hash_name: str = "sha256") -> "ObjectDraft":
        rows = [
            (integer(number), der(OCTETS, hashlib.new(hash_name, content).digest()))
            for number, content in sorted(groups.items())
        ]
        return cls(integer(0), hash_identifier(hash_name), tuple(rows))

    def stating(self, version: int, lds: str, unicode: str = "040000") -> "ObjectDraft":
        info = der(SEQUENCE, *(core.PrintableString(text).dump() for text in (lds, unicode)))
        return replace(self, version=integer(version), versions=info)

    def with_hash(self, number: int, row: tuple[bytes, bytes] | None) -> "ObjectDraft":
        """Another row for a data group, or none."""
        rows = [row if old[0] == integer(number) else old for old in self.hashes]
        return replace(self, hashes=tuple(row for row in rows if row is not None))

    def encoded(self) -> bytes:
        rows = [der(SEQUENCE, *row) for row in self.hashes]
        return der(SEQUENCE, self.version, self.algorithm, der(SEQUENCE, *rows), self.versions)


# --- EF.SOD ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SodDraft:
    """The parts of EF.SOD.  `digest` is the name of the hash over the content; `message_digest`
    stands in place of the right one where it is not None."""

    content: ObjectDraft
    certificates: tuple[bytes, ...]
    signer_id: bytes
    algorithm: bytes
    digest: str = "sha256"
    version: bytes = integer(3)
    digests: bytes = der(SET, hash_identifier("sha256"))
    content_type: bytes = oid(LDS_SECURITY_OBJECT)
    signer_version: bytes = integer(1)
    signer_digest: bytes = hash_identifier("sha256")
    message_digest: bytes | None = None

    @classmethod
    def of(
        cls, content: ObjectDraft, certificate: bytes, own: Pen, digest: str = "sha256"
    ) -> "SodDraft":
        return cls(
            content,
            (certificate,),
            issuer_and_serial(certificate),
            own.identifier,
            digest,
            digests=der(SET, hash_identifier(digest)),
            signer_digest=hash_identifier(digest),
        )

    def file(
        self, own: Pen, envelope: Callable[[bytes], bytes] = lambda signature: signature
    ) -> bytes:
        """EF.SOD; `envelope` changes the OCTET STRING of the signature."""
        content = self.content.encoded()
        attributes = self._attributes(content)
        signature = der(OCTETS, own.sign(der(SET, attributes)))
        signer = der(
            SEQUENCE,
            self.signer_version,
            self.signer_id,
            self.signer_digest,
            der(0xA0, attributes),
            self.algorithm,
            envelope(signature),
        )
        body = der(
            SEQUENCE,
            self.version,
            self.digests,
            der(SEQUENCE, self.content_type, der(0xA0, der(OCTETS, content))),
            der(0xA0, *self.certificates) if self.certificates else b"",
            der(SET, signer),
        )
        return der(SOD_TAG, der(SEQUENCE, oid(SIGNED_DATA), der(0xA0, body)))

    def _attributes(self, content: bytes) -> bytes:
        digest = self.message_digest
        if digest is None:
            digest = hashlib.new(self.digest, content).digest()
        rows = [der(SEQUENCE, oid(CONTENT_TYPE), der(SET, oid(LDS_SECURITY_OBJECT)))]
        if digest:
            rows.append(der(SEQUENCE, oid(MESSAGE_DIGEST), der(SET, der(OCTETS, digest))))
        return b"".join(sorted(rows))


def issuer_and_serial(certificate: bytes) -> bytes:
    loaded = x509.Certificate.load(certificate)
    name = {"issuer": loaded.issuer, "serial_number": loaded.serial_number}
    return bytes(cms.IssuerAndSerialNumber(name).dump())


def key_id(signer: Signer) -> bytes:
    """The signer's name by its key, as a SignerInfo has it."""
    return der(0x80, x509.Certificate.load(signer.der).key_identifier)
