"""A simulated card as data: files, keys, answer to reset, quirks. Saved as JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from card_reader.errors import UnreadableInputError

FORMAT = "simulated-card-1"
REALM = "test"
MAX_PROFILE_BYTES = 16 * 1024 * 1024
MAX_FILE_BYTES = 1024 * 1024

_MRZ_FIELD = re.compile("[0-9A-Z<]{1,30}", re.ASCII)

EF_COM, EF_SOD, EF_CARD_ACCESS = 0x011E, 0x011D, 0x011C


def data_group_id(number: int) -> int:
    """File identifier of a data group (ICAO 9303-10 table 37)."""
    return 0x0100 + number


class Defect(StrEnum):
    """What is wrong with a card on purpose; the code is stable."""

    PORTRAIT_EXCHANGED = "portrait_exchanged"  # another face in DG2, the SOD untouched
    KEY_EXCHANGED = "key_exchanged"  # forger's own DG15 and key, the SOD untouched
    CLONE = "clone"  # all files of a genuine card, without its private key
    SIGNATURE_BROKEN = "signature_broken"  # one bit of the SOD's signature turned
    UNKNOWN_CSCA = "unknown_csca"  # signed under an authority nobody trusts
    SIGNER_REVOKED = "signer_revoked"  # signed by a document signer on the CRL
    FOREIGN_ISSUER = "foreign_issuer"  # signed by another state's authority
    FILE_MISSING = "file_missing"  # DG15, which the SOD lists, is not on the chip


@dataclass(frozen=True, slots=True)
class Quirks:
    """How real chips differ from one another while obeying, more or less, the standard."""

    select_mf_refused: bool = False  # SELECT MF answers 6D00
    select_with_le_refused: bool = False  # SELECT with Le answers 6700
    short_file_identifiers: bool = True  # READ BINARY with a short file identifier
    odd_read_binary: bool = True  # READ BINARY B1
    extended_length: bool = True  # extended commands, else 6700
    longest_read: int = 65_536  # a READ BINARY with a longer Le answers 6700


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """What basic access control is derived from, as the MRZ prints it."""

    document_number: str
    date_of_birth: str  # YYMMDD
    date_of_expiry: str  # YYMMDD


@dataclass(frozen=True, slots=True)
class CardProfile:
    """One card. `files` and `protected` go by file identifier within the eMRTD application.

    `protected` files never open here: they need terminal authentication. `authentication_key` is
    the PKCS #8 DER of the RSA key of active authentication, or None.
    """

    atr: bytes
    access: AccessKeys
    files: Mapping[int, bytes]
    protected: frozenset[int] = frozenset()
    authentication_key: bytes | None = None
    quirks: Quirks = field(default_factory=Quirks)
    defects: tuple[Defect, ...] = ()
    realm: str = REALM

    def save(self, path: Path) -> None:
        document = {
            "format": FORMAT,
            "realm": self.realm,
            "atr": self.atr.hex(),
            "access": asdict(self.access),
            "files": {f"{identifier:04X}": data.hex() for identifier, data in self.files.items()},
            "protected": [f"{identifier:04X}" for identifier in sorted(self.protected)],
            "authentication_key": (self.authentication_key or b"").hex() or None,
            "quirks": asdict(self.quirks),
            "defects": list(self.defects),
        }
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
        path.chmod(0o600)

    @classmethod
    def load(cls, path: Path) -> "CardProfile":
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_PROFILE_BYTES + 1)
        except OSError as error:
            raise UnreadableInputError(f"cannot read {path}: {error.strerror}") from None
        if len(raw) > MAX_PROFILE_BYTES:
            raise UnreadableInputError(f"{path} is too large for a simulated card")
        try:
            return _from_document(json.loads(raw))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UnreadableInputError(f"{path} is no simulated card ({error})") from None


def _from_document(document: dict[str, Any]) -> CardProfile:
    if document["format"] != FORMAT or document["realm"] != REALM:
        raise ValueError(f"expected format {FORMAT} of realm {REALM}")
    files = {_identifier(key): bytes.fromhex(data) for key, data in document["files"].items()}
    if any(len(data) > MAX_FILE_BYTES for data in files.values()):
        raise ValueError("a file is longer than 1 MiB")
    access = AccessKeys(**document["access"])
    if not all(_MRZ_FIELD.fullmatch(getattr(access, item.name)) for item in fields(access)):
        raise ValueError("access keys are fields of a machine readable zone")
    key = document["authentication_key"]
    return CardProfile(
        atr=bytes.fromhex(document["atr"]),
        access=access,
        files=files,
        protected=frozenset(_identifier(key) for key in document["protected"]),
        authentication_key=bytes.fromhex(key) if key else None,
        quirks=_quirks(document["quirks"]),
        defects=tuple(Defect(name) for name in document["defects"]),
    )


def _quirks(document: dict[str, Any]) -> Quirks:
    quirks = Quirks(**document)
    for item in fields(quirks):
        value = getattr(quirks, item.name)
        if type(value) is not type(item.default):
            raise ValueError(f"quirk {item.name} cannot be {value!r}")
    if quirks.longest_read < 1:
        raise ValueError("longest_read is at least 1")
    return quirks


def _identifier(text: str) -> int:
    identifier = int(text, 16)
    if not 0 < identifier <= 0xFFFF:
        raise ValueError(f"{text} is no file identifier")
    return identifier
