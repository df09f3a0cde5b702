"""Names of certificates' subjects and issuers (RFC 5280 §4.1.2.4), read as real issuers write them.

Issuers spell one name in several string types and cases, and some bytes fit no string type; a
name must still be comparable, so nothing here refuses bytes that have the shape of a name.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from asn1crypto import x509

from card_reader import tlv
from card_reader.asn1 import parsing
from card_reader.errors import CardError, CardReason, MalformedCertificateError

MAX_NAME = 4096
_SEQUENCE, _SET, _OID = 0x30, 0x31, 0x06
_COUNTRY = bytes.fromhex("550406")  # id-at-countryName
# String types by tag; those of one byte a character are often filled with Latin-1.
_ENCODINGS = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be"} | dict.fromkeys(
    (0x12, 0x13, 0x14, 0x16, 0x1A, 0x1B), "latin-1"
)


@dataclass(frozen=True, slots=True)
class DistinguishedName:
    """``key`` is equal for equal names (RFC 5280 §7.1); ``country`` in upper case.

    The key has a line for each relative name, which prepared text cannot forge.
    """

    key: str
    country: str | None


@lru_cache(maxsize=2048)
def parse_name(raw: bytes) -> DistinguishedName:
    """A DER Name."""
    if len(raw) > MAX_NAME:
        raise MalformedCertificateError(f"a name of {len(raw)} bytes", CardReason.TOO_LARGE)
    with parsing("a name", MalformedCertificateError):
        parts = [_attributes(part) for part in _children(raw, _SEQUENCE)]
    key = "\n".join(
        "\t".join(sorted(f"{oid.hex()}={_prepared(text)}" for oid, text in part)) for part in parts
    )
    countries = [text.strip().upper() for part in parts for oid, text in part if oid == _COUNTRY]
    return DistinguishedName(key, countries[0] or None if countries else None)


def same_attributes(one: str, other: str) -> bool:
    """Whether two keys are of the same relative names, in whatever order they were written."""
    return sorted(one.split("\n")) == sorted(other.split("\n"))


def name_text(raw: bytes) -> str:
    """A name for people to read, in one line: who wrote it must not steer their screen."""
    try:
        with parsing("a name", MalformedCertificateError):
            text = str(x509.Name.load(raw, strict=True).human_friendly)
    except CardError:  # bytes that fit no string type
        parts = [_attributes(part) for part in _children(raw, _SEQUENCE)]
        text = ", ".join(text for part in parts for _, text in part)
    return "".join(
        sign if sign.isprintable() else " " if sign.isspace() else "\ufffd" for sign in text
    )


def _children(raw: bytes, tag: int) -> tuple[tlv.Tlv, ...]:
    outer = tlv.parse(raw)
    if outer.tag != tag:
        raise MalformedCertificateError("a name has an unknown form")
    return outer.children()


def _attributes(part: tlv.Tlv) -> list[tuple[bytes, str]]:
    """Type and text of each attribute of a relative name (a SET of them)."""
    pairs = [_children(item.raw, _SEQUENCE) for item in _children(part.raw, _SET)]
    if any(len(pair) != 2 or pair[0].tag != _OID for pair in pairs):
        raise MalformedCertificateError("a name has an unknown form")
    return [(oid.value, _text(value)) for oid, value in pairs]


def _text(value: tlv.Tlv) -> str:
    if value.tag not in _ENCODINGS:
        return f"#{value.raw.hex()}"
    try:
        return value.value.decode(_ENCODINGS[value.tag])
    except UnicodeDecodeError:
        return value.value.decode("latin-1")


def _prepared(text: str) -> str:
    """Case, width and runs of spaces do not tell names apart (RFC 4518 §2)."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.casefold())
    return " ".join(text.lower().split())
