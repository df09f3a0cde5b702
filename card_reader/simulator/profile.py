"""A simulated card as data: files, keys, answer to reset, quirks. Saved as JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from card_reader.errors import UnreadableInputError
from card_reader.simulator import quirks as quirk_switches
from card_reader.simulator.quirks import Quirks

FORMAT = "simulated-card-2"
REALM = "test"
MAX_PROFILE_BYTES = 16 * 1024 * 1024
MAX_FILE_BYTES = 1024 * 1024
MAX_CHOICES = 32  # PACE offers, chip keys
MAX_KEY_BITS = 4096

_MRZ_FIELD = re.compile("[0-9A-Z<]{1,30}", re.ASCII)
_CAN = re.compile("[0-9]{1,16}", re.ASCII)
_OID = re.compile(r"[0-2](\.[0-9]{1,9}){1,20}", re.ASCII)

# File identifiers within the eMRTD application (ICAO 9303-10 §4.3) ...
EF_COM, EF_SOD = 0x011E, 0x011D
# ... and within the master file (ICAO 9303-10 §3.11)
EF_CARD_ACCESS, EF_CARD_SECURITY, EF_DIR, EF_ATR_INFO = 0x011C, 0x011D, 0x2F00, 0x2F01


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
    DATA_GROUP_TAMPERED = "data_group_tampered"  # one bit of a data group turned, SOD untouched
    DATA_GROUP_UNSIGNED = "data_group_unsigned"  # a data group that the SOD does not list
    AUTHORITY_REVOKED = "authority_revoked"  # signed under an authority that its successor revoked
    SIGNER_EXPIRED = "signer_expired"  # signed by a document signer whose time was over
    CARD_ACCESS_ALTERED = "card_access_altered"  # EF.CardAccess offers weaker PACE than EF.DG14
    CHIP_KEY_CLONED = "chip_key_cloned"  # all files, without the key of chip authentication
    MAPPING_KEY_CLONED = "mapping_key_cloned"  # all files, without the key of PACE-CAM


class SignatureFormat(StrEnum):
    """How an ECDSA signature of active authentication is written down."""

    PLAIN = "plain"  # r || s (BSI TR-03111 §5.2.1), what ICAO 9303-11 §6.1.2.3 wants
    DER = "der"  # SEQUENCE { r, s }


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """The passwords of access control, as the card prints them."""

    document_number: str
    date_of_birth: str  # YYMMDD
    date_of_expiry: str  # YYMMDD
    can: str | None = None


@dataclass(frozen=True, slots=True)
class PaceOffer:
    """One way to run PACE: dotted protocol and standardised domain parameters."""

    oid: str
    parameter_id: int


@dataclass(frozen=True, slots=True)
class ChipKey:
    """A static key of the chip: for chip authentication, or (`mapping`) for PACE-CAM.

    `oid` is the protocol of chip authentication that uses it (id-CA-...); one key offered with two
    ciphers is two entries. Its group is the standardised one `parameter_id`, else that of the
    public key which EF.DG14 shows under the same key id.
    """

    oid: str
    private_key: int = field(repr=False)
    key_id: int | None = None
    parameter_id: int | None = None
    mapping: bool = False


@dataclass(frozen=True, slots=True)
class CardProfile:
    """One card.

    `files` and `protected` go by file identifier within the eMRTD application, `master_files`
    within the master file. `protected` files never open here: they need terminal authentication.
    `authentication_key` is the PKCS #8 DER of the key of active authentication (RSA or EC), or
    None; its hash and, for EC, its signature format stand beside it. A `plain` card has no access
    control.
    """

    atr: bytes
    access: AccessKeys = field(repr=False)
    files: Mapping[int, bytes]
    protected: frozenset[int] = frozenset()
    authentication_key: bytes | None = field(default=None, repr=False)
    quirks: Quirks = field(default_factory=Quirks)
    defects: tuple[Defect, ...] = ()
    realm: str = REALM
    master_files: Mapping[int, bytes] = field(default_factory=dict)
    basic_access: bool = True
    plain: bool = False
    pace: tuple[PaceOffer, ...] = ()
    chip_keys: tuple[ChipKey, ...] = ()
    authentication_hash: str = "SHA-256"
    authentication_format: SignatureFormat | None = None

    def save(self, path: Path) -> None:
        text = json.dumps(_to_document(self), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", "utf-8")
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


def _to_document(profile: CardProfile) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "realm": profile.realm,
        "atr": profile.atr.hex(),
        "access": asdict(profile.access),
        "files": _files_to_document(profile.files),
        "master_files": _files_to_document(profile.master_files),
        "protected": [f"{identifier:04X}" for identifier in sorted(profile.protected)],
        "basic_access": profile.basic_access,
        "plain": profile.plain,
        "pace": [asdict(offer) for offer in profile.pace],
        "chip_keys": [
            asdict(key) | {"private_key": f"{key.private_key:X}"} for key in profile.chip_keys
        ],
        "authentication_key": (profile.authentication_key or b"").hex() or None,
        "authentication_hash": profile.authentication_hash,
        "authentication_format": profile.authentication_format,
        "quirks": quirk_switches.to_document(profile.quirks),
        "defects": list(profile.defects),
    }


def _from_document(document: dict[str, Any]) -> CardProfile:
    if document["format"] != FORMAT or document["realm"] != REALM:
        raise ValueError(f"expected format {FORMAT} of realm {REALM}")
    unknown = document.keys() - {item.name for item in fields(CardProfile)} - {"format"}
    if unknown:
        raise ValueError(f"unknown entry {sorted(unknown)[0]}")
    key, written = document["authentication_key"], document["authentication_format"]
    return CardProfile(
        atr=bytes.fromhex(document["atr"]),
        access=_access(document["access"]),
        files=_files(document["files"]),
        master_files=_files(document["master_files"]),
        protected=frozenset(_identifier(text) for text in _list(document["protected"])),
        basic_access=_typed(bool, document["basic_access"]),
        plain=_typed(bool, document["plain"]),
        pace=tuple(_pace_offer(item) for item in _list(document["pace"])),
        chip_keys=tuple(_chip_key(item) for item in _list(document["chip_keys"])),
        authentication_key=bytes.fromhex(key) if key is not None else None,
        authentication_hash=_typed(str, document["authentication_hash"]),
        authentication_format=SignatureFormat(written) if written is not None else None,
        quirks=quirk_switches.from_document(document["quirks"]),
        defects=tuple(Defect(name) for name in _list(document["defects"])),
    )


def _access(document: dict[str, Any]) -> AccessKeys:
    access = AccessKeys(**document)
    printed = (access.document_number, access.date_of_birth, access.date_of_expiry)
    if not all(_MRZ_FIELD.fullmatch(text) for text in printed):
        raise ValueError("access keys are fields of a machine readable zone")
    if access.can is not None and not _CAN.fullmatch(access.can):
        raise ValueError("a card access number has digits only")
    return access


def _pace_offer(document: dict[str, Any]) -> PaceOffer:
    offer = PaceOffer(**document)
    _checked_oid(offer.oid)
    _typed(int, offer.parameter_id)
    return offer


def _chip_key(document: dict[str, Any]) -> ChipKey:
    private_key = int(_typed(str, document["private_key"]), 16)
    if not 0 < private_key < 1 << MAX_KEY_BITS:
        raise ValueError("a chip's private key is out of range")
    key = ChipKey(**(document | {"private_key": private_key}))
    _checked_oid(key.oid)
    _typed(bool, key.mapping)
    for number in (key.key_id, key.parameter_id):
        if number is not None:
            _typed(int, number)
    return key


def _files_to_document(files: Mapping[int, bytes]) -> dict[str, str]:
    return {f"{identifier:04X}": data.hex() for identifier, data in files.items()}


def _files(document: dict[str, str]) -> dict[int, bytes]:
    files = {_identifier(key): bytes.fromhex(data) for key, data in document.items()}
    if any(len(data) > MAX_FILE_BYTES for data in files.values()):
        raise ValueError("a file is longer than 1 MiB")
    return files


def _identifier(text: str) -> int:
    identifier = int(text, 16)
    if not 0 < identifier <= 0xFFFF:
        raise ValueError(f"{text} is no file identifier")
    return identifier


def _checked_oid(text: str) -> None:
    if not _OID.fullmatch(text):
        raise ValueError(f"{text!r} is no object identifier")


def _list(value: Any) -> list[Any]:
    items: list[Any] = _typed(list, value)
    if len(items) > MAX_CHOICES:
        raise ValueError(f"a list has more than {MAX_CHOICES} entries")
    return items


def _typed(kind: type, value: Any) -> Any:
    """The value where it is exactly of that type (True is no number here)."""
    if type(value) is not kind:
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value
