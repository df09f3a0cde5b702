"""SecurityInfos: the protocols a chip offers and its keys (ICAO 9303-11 §9.2, TR-03110-3 A.1.1).

    SecurityInfos ::= SET OF SecurityInfo
    SecurityInfo  ::= SEQUENCE { protocol OBJECT IDENTIFIER, requiredData ANY,
                                 optionalData ANY OPTIONAL }

EF.CardAccess and EF.DG14 hold such a set, EF.CardSecurity a signed one.  Parsing keeps every
entry raw; the typed views below read the ones of a protocol, and raise MalformedFileError only
for an entry they are asked for.  Each view's ``security_info()`` is its raw form again.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from asn1crypto import core

from card_reader import tlv
from card_reader.errors import MalformedFileError, UnsupportedAlgorithmError

MAX_INFOS = 64
MAX_CHIP_KEYS = 8  # chips have one or two, and each takes its time to check
MAX_INTEGER_BYTES = 8
_INTEGER, _OID, _SEQUENCE, _SET = 0x02, 0x06, 0x30, 0x31

_BSI = "0.4.0.127.0.7.2.2"
ID_PK = f"{_BSI}.1"
ID_PK_DH, ID_PK_ECDH = f"{ID_PK}.1", f"{ID_PK}.2"
ID_TA = f"{_BSI}.2"
ID_CA = f"{_BSI}.3"
ID_CA_DH, ID_CA_ECDH = f"{ID_CA}.1", f"{ID_CA}.2"
ID_PACE = f"{_BSI}.4"
ID_AA = "2.23.136.1.1.5"  # id-icao-mrtd-security-aaProtocolObject

PACE_VERSION = 2
CHIP_AUTHENTICATION_VERSION = 1
ACTIVE_AUTHENTICATION_VERSION = 1
DH_PARAMETER_IDS = range(3)  # ICAO 9303-11 §9.5.1: standardised domain parameters
ECDH_PARAMETER_IDS = range(8, 19)
_NOT_FOR_INTEGRATED_MAPPING = 10  # secp224r1 (§9.5.1)


class Mapping(StrEnum):
    """How PACE maps the nonce to a generator."""

    GENERIC = "gm"
    INTEGRATED = "im"
    CHIP_AUTHENTICATION = "cam"


class Agreement(StrEnum):
    DH = "dh"
    ECDH = "ecdh"


# The last number of an object identifier names the cipher of the session that follows; the
# values are those of card_reader.secure_messaging.Cipher.  Weakest first.
_CIPHERS = {1: "3DES", 2: "AES-128", 3: "AES-192", 4: "AES-256"}
_STRENGTH = {cipher: number for number, cipher in _CIPHERS.items()}
_PACE_FAMILIES = {
    1: (Mapping.GENERIC, Agreement.DH),
    2: (Mapping.GENERIC, Agreement.ECDH),
    3: (Mapping.INTEGRATED, Agreement.DH),
    4: (Mapping.INTEGRATED, Agreement.ECDH),
    6: (Mapping.CHIP_AUTHENTICATION, Agreement.ECDH),
}
_PACE = {
    f"{ID_PACE}.{family}.{number}": (mapping, agreement, cipher)
    for family, (mapping, agreement) in _PACE_FAMILIES.items()
    for number, cipher in _CIPHERS.items()
    if mapping is not Mapping.CHIP_AUTHENTICATION or cipher != "3DES"  # §9.2.1: AES alone
}
_PACE_PARAMETERS = {f"{ID_PACE}.{family}": pair for family, pair in _PACE_FAMILIES.items()}
_CHIP_AUTHENTICATION = {
    f"{base}.{number}": (agreement, cipher)
    for base, agreement in ((ID_CA_DH, Agreement.DH), (ID_CA_ECDH, Agreement.ECDH))
    for number, cipher in _CIPHERS.items()
}
_CHIP_KEYS = {ID_PK_DH: Agreement.DH, ID_PK_ECDH: Agreement.ECDH}


@dataclass(frozen=True, slots=True)
class SecurityInfo:
    """`oid` dotted; `required` and `optional` are the DER of their values."""

    oid: str
    required: bytes
    optional: bytes | None = None


@dataclass(frozen=True, slots=True)
class PaceInfo:
    """PACEInfo (§9.2.1): one way to run PACE; without an id the parameters stand in a
    PaceDomainParameterInfo."""

    oid: str
    version: int
    parameter_id: int | None = None

    def __post_init__(self) -> None:
        _require_known(self.oid, _PACE)

    @property
    def mapping(self) -> Mapping:
        return _PACE[self.oid][0]

    @property
    def agreement(self) -> Agreement:
        return _PACE[self.oid][1]

    @property
    def cipher(self) -> str:
        return _PACE[self.oid][2]

    @property
    def supported(self) -> bool:
        """Version 2 over a standardised group of the right kind."""
        ids = DH_PARAMETER_IDS if self.agreement is Agreement.DH else ECDH_PARAMETER_IDS
        impossible = (Mapping.INTEGRATED, _NOT_FOR_INTEGRATED_MAPPING)
        return (
            self.version == PACE_VERSION
            and self.parameter_id in ids
            and (self.mapping, self.parameter_id) != impossible
        )

    def security_info(self) -> SecurityInfo:
        return SecurityInfo(self.oid, _integer_der(self.version), _optional_der(self.parameter_id))


@dataclass(frozen=True, slots=True)
class PaceDomainParameterInfo:
    """PACEDomainParameterInfo (§9.2.2); `parameters` is a DER AlgorithmIdentifier."""

    oid: str
    parameters: bytes
    parameter_id: int | None = None

    def security_info(self) -> SecurityInfo:
        return SecurityInfo(self.oid, self.parameters, _optional_der(self.parameter_id))


@dataclass(frozen=True, slots=True)
class ChipAuthenticationInfo:
    """ChipAuthenticationInfo (§9.2.5): the protocol to run with the key `key_id`."""

    oid: str
    version: int = CHIP_AUTHENTICATION_VERSION
    key_id: int | None = None

    def __post_init__(self) -> None:
        _require_known(self.oid, _CHIP_AUTHENTICATION)

    @property
    def agreement(self) -> Agreement:
        return _CHIP_AUTHENTICATION[self.oid][0]

    @property
    def cipher(self) -> str:
        return _CHIP_AUTHENTICATION[self.oid][1]

    def security_info(self) -> SecurityInfo:
        return SecurityInfo(self.oid, _integer_der(self.version), _optional_der(self.key_id))


@dataclass(frozen=True, slots=True)
class ChipAuthenticationPublicKeyInfo:
    """ChipAuthenticationPublicKeyInfo (§9.2.6); `spki` is a DER SubjectPublicKeyInfo."""

    oid: str
    spki: bytes
    key_id: int | None = None

    def __post_init__(self) -> None:
        _require_known(self.oid, _CHIP_KEYS)

    @property
    def agreement(self) -> Agreement:
        return _CHIP_KEYS[self.oid]

    def security_info(self) -> SecurityInfo:
        return SecurityInfo(self.oid, self.spki, _optional_der(self.key_id))


@dataclass(frozen=True, slots=True)
class ActiveAuthenticationInfo:
    """ActiveAuthenticationInfo (§9.2.3): the dotted scheme of an ECDSA signature."""

    signature_oid: str

    def security_info(self) -> SecurityInfo:
        return SecurityInfo(
            ID_AA, _integer_der(ACTIVE_AUTHENTICATION_VERSION), _oid_der(self.signature_oid)
        )


@dataclass(frozen=True, slots=True)
class TerminalAuthenticationInfo:
    """TerminalAuthenticationInfo (TR-03110-3 A.1.1.4); this reader never authenticates so."""

    version: int
    ef_cvca: bytes | None = None

    def security_info(self) -> SecurityInfo:
        return SecurityInfo(ID_TA, _integer_der(self.version), self.ef_cvca)


ChipAuthenticationChoice = tuple[ChipAuthenticationInfo, ChipAuthenticationPublicKeyInfo]


def parse_infos(raw: bytes) -> tuple[SecurityInfo, ...]:
    """The entries of a bare SET, in its order."""
    infos = tlv.parse(raw)
    if infos.tag != _SET:
        raise MalformedFileError("SecurityInfos are not a SET")
    items = infos.children()
    if len(items) > MAX_INFOS:
        raise MalformedFileError(f"more than {MAX_INFOS} SecurityInfos")
    return tuple(_info(item) for item in items)


def encode_infos(infos: Iterable[SecurityInfo]) -> bytes:
    """The SET, sorted as DER wants it (X.690 §11.6)."""
    return tlv.encode(_SET, b"".join(sorted(_encode_info(info) for info in infos)))


def offers_pace(infos: Iterable[SecurityInfo]) -> bool:
    """Whether any PACE protocol is named, one that is unknown here included."""
    return any(info.oid.startswith(f"{ID_PACE}.") for info in infos)


def pace_infos(infos: Iterable[SecurityInfo]) -> tuple[PaceInfo, ...]:
    """The PACEInfos of protocols known here, in the file's order."""
    return tuple(
        PaceInfo(info.oid, _integer(info.required), _optional_integer(info.optional))
        for info in infos
        if info.oid in _PACE
    )


def pace_domain_parameters(infos: Iterable[SecurityInfo]) -> tuple[PaceDomainParameterInfo, ...]:
    return tuple(
        PaceDomainParameterInfo(info.oid, info.required, _optional_integer(info.optional))
        for info in infos
        if info.oid in _PACE_PARAMETERS
    )


def chip_authentication_infos(infos: Iterable[SecurityInfo]) -> tuple[ChipAuthenticationInfo, ...]:
    return tuple(
        ChipAuthenticationInfo(info.oid, _integer(info.required), _optional_integer(info.optional))
        for info in infos
        if info.oid in _CHIP_AUTHENTICATION
    )


def chip_keys(infos: Iterable[SecurityInfo]) -> tuple[ChipAuthenticationPublicKeyInfo, ...]:
    """The chip's static keys: for chip authentication, in EF.CardSecurity for PACE-CAM."""
    keys = tuple(
        ChipAuthenticationPublicKeyInfo(info.oid, info.required, _optional_integer(info.optional))
        for info in infos
        if info.oid in _CHIP_KEYS
    )
    if len(keys) > MAX_CHIP_KEYS:
        raise MalformedFileError(f"more than {MAX_CHIP_KEYS} keys of one chip")
    return keys


def chip_authentication_choices(
    infos: Iterable[SecurityInfo],
) -> tuple[ChipAuthenticationChoice, ...]:
    """Every protocol of version 1 with its key; the strongest cipher first, ECDH before DH.

    A key to which no ChipAuthenticationInfo belongs is of the first generation: 3DES
    (TR-03110-1 §3.4).  Where one names a key that is not there, the two contradict each other,
    and nothing is inferred.
    """
    infos = tuple(infos)
    offered, keys = chip_authentication_infos(infos), chip_keys(infos)
    agreements = [key.agreement for key in keys]
    pairs = [(key, [info for info in offered if _belongs(info, key, agreements)]) for key in keys]
    joined = [info for _, fitting in pairs for info in fitting]
    contradicted = {info.agreement for info in offered if info not in joined}
    choices: list[ChipAuthenticationChoice] = []
    for key, fitting in pairs:
        inferred = [] if key.agreement in contradicted else [_inferred(key)]
        for info in fitting or inferred:
            if info.version == CHIP_AUTHENTICATION_VERSION:
                choices.append((info, key))
    return tuple(sorted(choices, key=_preference, reverse=True))


def active_authentication_info(infos: Iterable[SecurityInfo]) -> ActiveAuthenticationInfo | None:
    """The first one, None where the file has none or it names no signature scheme."""
    for info in infos:
        if info.oid == ID_AA and info.optional is not None:
            return ActiveAuthenticationInfo(_dotted(info.optional))
    return None


def terminal_authentication_infos(
    infos: Iterable[SecurityInfo],
) -> tuple[TerminalAuthenticationInfo, ...]:
    return tuple(
        TerminalAuthenticationInfo(_integer(info.required), info.optional)
        for info in infos
        if info.oid == ID_TA
    )


def cipher_strength(cipher: str) -> int:
    """A number that is higher for a stronger cipher of a session."""
    return _STRENGTH[cipher]


def oid_value(oid: str) -> bytes:
    """The content bytes of an object identifier, as protocols send it in a data object."""
    return bytes(core.ObjectIdentifier(oid).contents)


def _require_known(oid: str, known: Container[str]) -> None:
    if oid not in known:
        raise UnsupportedAlgorithmError(f"no protocol {oid}")


def _belongs(
    info: ChipAuthenticationInfo,
    key: ChipAuthenticationPublicKeyInfo,
    agreements: Sequence[Agreement],
) -> bool:
    """Key ids are needed only where there are several keys (§9.2.5)."""
    if info.agreement is not key.agreement:
        return False
    alone = agreements.count(key.agreement) == 1
    return info.key_id == key.key_id or (alone and None in (info.key_id, key.key_id))


def _inferred(key: ChipAuthenticationPublicKeyInfo) -> ChipAuthenticationInfo:
    base = ID_CA_DH if key.agreement is Agreement.DH else ID_CA_ECDH
    return ChipAuthenticationInfo(f"{base}.1", key_id=key.key_id)


def _preference(choice: ChipAuthenticationChoice) -> tuple[int, bool]:
    info, _ = choice
    return cipher_strength(info.cipher), info.agreement is Agreement.ECDH


def _info(item: tlv.Tlv) -> SecurityInfo:
    parts = item.children() if item.tag == _SEQUENCE else ()
    if len(parts) not in (2, 3) or parts[0].tag != _OID or not 1 <= len(parts[0].value) <= 64:
        raise MalformedFileError("a SecurityInfo is not { protocol, required data, optional data }")
    return SecurityInfo(
        _dotted(parts[0].raw), parts[1].raw, parts[2].raw if len(parts) == 3 else None
    )


def _encode_info(info: SecurityInfo) -> bytes:
    return tlv.encode(_SEQUENCE, _oid_der(info.oid) + info.required + (info.optional or b""))


def _integer(der: bytes) -> int:
    """A non-negative INTEGER of at most 8 bytes."""
    item = tlv.parse(der)
    if item.tag != _INTEGER or not 1 <= len(item.value) <= MAX_INTEGER_BYTES:
        raise MalformedFileError("a SecurityInfo has no integer where one belongs")
    number = int.from_bytes(item.value, "big", signed=True)
    if number < 0:
        raise MalformedFileError("a SecurityInfo has a negative version or id")
    return number


def _optional_integer(der: bytes | None) -> int | None:
    return None if der is None else _integer(der)


def _integer_der(number: int) -> bytes:
    return bytes(core.Integer(number).dump())


def _optional_der(number: int | None) -> bytes | None:
    return None if number is None else _integer_der(number)


def _dotted(der: bytes) -> str:
    try:
        return str(core.ObjectIdentifier.load(der, strict=True).dotted)
    except (ValueError, IndexError):
        raise MalformedFileError("a SecurityInfo has a damaged object identifier") from None


def _oid_der(oid: str) -> bytes:
    return bytes(core.ObjectIdentifier(oid).dump())
