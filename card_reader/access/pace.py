"""Password Authenticated Connection Establishment (ICAO 9303-11 §4.4) as a generator of commands.

Generic, integrated and chip authentication mapping over elliptic curves and prime fields.  The
group is always one of the standardised ones: with parameters of the chip's own choice a false
chip learns the password (§9.2.2).
"""

import hmac
import os
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from asn1crypto import core

from card_reader import tlv
from card_reader.access.passwords import Password
from card_reader.apdu import (
    MAX_EXTENDED_LE,
    MAX_SHORT_LE,
    CommandApdu,
    ResponseApdu,
    StatusWord,
)
from card_reader.domain_parameters import (
    AnyGroup,
    DhGroup,
    group_of_parameters,
    is_standardised,
    standardised,
)
from card_reader.errors import (
    AccessDeniedError,
    ChipError,
    MalformedTlvError,
    SecureMessagingError,
    UnsupportedAlgorithmError,
)
from card_reader.lds.security_infos import (
    PACE_VERSION,
    Agreement,
    Mapping,
    PaceDomainParameterInfo,
    PaceInfo,
)
from card_reader.secure_messaging import (
    Cipher,
    SecureMessaging,
    SessionCipher,
    decrypt_cbc,
    derive_key,
    derive_session_keys,
    encrypt_cbc,
    session_cipher,
    unpad,
)

KDF_PASSWORD = 3  # §9.7.3
MAX_NONCE = 64

DO_DYNAMIC_AUTHENTICATION = 0x7C
DO_NONCE = 0x80
DO_TERMINAL_MAPPING = 0x81
DO_TERMINAL_TOKEN, DO_CHIP_TOKEN = 0x85, 0x86
DO_CHIP_AUTHENTICATION_DATA = 0x8A
DO_PUBLIC_KEY = 0x7F49
DO_DH_VALUE, DO_EC_POINT = 0x84, 0x86

# Data objects of the terminal's and the chip's public key, by step (§4.4.5, table 4).
_KEY_TAGS = {2: (DO_TERMINAL_MAPPING, 0x82), 3: (0x83, 0x84)}

# Tag and length fields around a public key in a response: 7C 82 LL LL, 82 82 LL LL.
RESPONSE_OVERHEAD = 8

# The pseudo-random function of integrated mapping, §4.4.3.3.2.
_C0_128 = bytes.fromhex("a668892a7c41e3ca739f40b057d85904")
_C1_128 = bytes.fromhex("a4e136ac725f738b01c1f60217c188ad")
_C0_256 = bytes.fromhex("d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676")
_C1_256 = bytes.fromhex("54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517")

# What chips answer to a wrong terminal token, which is how a wrong password shows (§4.4.4.2).
_WRONG_PASSWORD = frozenset(
    {
        StatusWord.AUTHENTICATION_FAILED,
        StatusWord.WRONG_DATA,
        StatusWord.SECURITY_STATUS,
        StatusWord.AUTHENTICATION_BLOCKED,
        StatusWord.CONDITIONS_NOT_SATISFIED,
    }
)
_NO_TRIES = 0x63C0
_BLOCKED = frozenset({StatusWord.AUTHENTICATION_BLOCKED, _NO_TRIES})

Returned = TypeVar("Returned")
Steps = Generator[CommandApdu, ResponseApdu, Returned]


@dataclass(frozen=True, slots=True)
class ChipMapping:
    """What proves the chip with chip authentication mapping (§4.4.3.5).

    ``mapping_public_key`` is PK_Map,IC as sent (04 ‖ X ‖ Y), ``data`` the decrypted CA_IC,
    big-endian.  The chip is genuine where CA_IC × PK_IC = PK_Map,IC.
    """

    mapping_public_key: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class PaceResult:
    """The session that PACE opened; ``chip_mapping`` with chip authentication mapping alone."""

    session: SecureMessaging
    chip_mapping: ChipMapping | None


class PaceRefusedError(ChipError):
    """The chip refused a step for another reason than a wrong password.

    ``step`` is 0 for MSE:Set AT and 1 to 4 for GENERAL AUTHENTICATE, ``sw`` the status word.
    """

    def __init__(self, step: int, sw: int) -> None:
        super().__init__(
            f"the chip refused PACE in its step {step}, {_STEP_NAMES[step]}, with {sw:04X}"
            f" ({StatusWord.meaning(sw)})"
        )
        self.step = step
        self.sw = sw


_STEP_NAMES = (
    "MSE:Set AT",
    "encrypted nonce",
    "mapping",
    "key agreement",
    "mutual authentication",
)


def pace(
    password: Password,
    info: PaceInfo,
    rng: Callable[[int], bytes] = os.urandom,
    *,
    name_parameters: bool = False,
    group: AnyGroup | None = None,
    reference: int | None = None,
) -> Steps[PaceResult]:
    """Yield the commands of PACE; the value returned holds the new session.

    Draws the private scalar of the mapping (integrated mapping: the nonce t) from ``rng``, then
    the one of the key agreement.  ``name_parameters`` names the group in MSE:Set AT (tag 84).
    ``group`` is for chips with parameters of their own, see :func:`pace_group`.  ``reference``
    names the password in MSE:Set AT (tag 83) where that is not the password's own.

    Raises :class:`UnsupportedAlgorithmError` before any command where the parameters are not
    usable, :class:`AccessDeniedError` for a wrong or blocked password, :class:`ChipError` for
    everything else; :class:`PaceRefusedError` tells which step the chip refused.
    """
    group = _checked_group(info, group or pace_group(info))
    cipher = Cipher(info.cipher)
    reference = password.reference if reference is None else reference
    tries = yield from _set_authentication_template(reference, info, name_parameters)
    nonce = yield from _nonce(password, cipher, info.mapping, tries)
    if info.mapping is Mapping.INTEGRATED:
        mapped = yield from _integrated_mapping(group, cipher, nonce, rng)
        chip_mapping_key = b""
    else:
        mapped, chip_mapping_key = yield from _generic_mapping(group, nonce, rng)
    exchanged, secret = yield from _agree(mapped, rng)

    keys = derive_session_keys(cipher, secret)
    session = session_cipher(keys)
    objects = yield from _authenticate(session, info, exchanged, tries)
    chip_mapping = None
    if info.mapping is Mapping.CHIP_AUTHENTICATION:
        chip_mapping = ChipMapping(chip_mapping_key, _chip_authentication_data(session, objects))
    return PaceResult(SecureMessaging(keys, session), chip_mapping)


def pace_group(info: PaceInfo, own_parameters: Iterable[PaceDomainParameterInfo] = ()) -> AnyGroup:
    """The standardised group that ``info`` names, or that its own parameters equal (§9.5).

    ``own_parameters`` are the PACEDomainParameterInfos of the file that holds ``info``.
    """
    known = None if info.parameter_id is None else standardised(info.parameter_id)
    if known is not None:
        return known
    family = info.oid.rpartition(".")[0]
    for own in own_parameters:
        if (own.oid, own.parameter_id) == (family, info.parameter_id):
            return group_of_parameters(own.parameters)
    raise UnsupportedAlgorithmError(
        f"the chip offers PACE with unknown domain parameters ({info.parameter_id})"
    )


def pseudo_random_number(cipher: Cipher, s: bytes, t: bytes, field_bits: int) -> int:
    """int(x1 ‖ x2 ‖ … ‖ xn) of R_p(s, t), before it is reduced modulo p (§4.4.3.3.2, figure 2).

    ``s`` has 16 bytes (3DES, AES-128) or 32, ``t`` the length of the cipher's key.
    """
    c0, c1 = (_C0_128, _C1_128) if cipher.key_bytes == 16 else (_C0_256, _C1_256)
    rounds = -(-(field_bits + 64) // (8 * len(c0)))
    key = encrypt_cbc(cipher, t, s)[: cipher.key_bytes]
    output = b""
    for _ in range(rounds):
        output += encrypt_cbc(cipher, key, c1)
        key = encrypt_cbc(cipher, key, c0)[: cipher.key_bytes]
    return int.from_bytes(output, "big")


def public_key_object(oid: str, public_key: bytes, agreement: str) -> bytes:
    """The data object 7F49 that an authentication token covers (§9.4.3 to §9.4.5)."""
    tag = DO_DH_VALUE if agreement == Agreement.DH else DO_EC_POINT
    identifier = bytes(core.ObjectIdentifier(oid).dump())
    return tlv.encode(DO_PUBLIC_KEY, identifier + tlv.encode(tag, public_key))


def _checked_group(info: PaceInfo, group: AnyGroup) -> AnyGroup:
    if info.version != PACE_VERSION:
        raise UnsupportedAlgorithmError(f"the chip offers PACE of version {info.version}")
    if not is_standardised(group):
        raise UnsupportedAlgorithmError("the chip offers PACE with domain parameters of its own")
    if isinstance(group, DhGroup) != (info.agreement is Agreement.DH):
        raise UnsupportedAlgorithmError(f"the chip offers PACE over {group.name} as {info.oid}")
    if info.mapping is Mapping.INTEGRATED and not group.maps_numbers:
        raise UnsupportedAlgorithmError(f"integrated mapping is not possible over {group.name}")
    return group


def _set_authentication_template(
    reference: int, info: PaceInfo, name_parameters: bool
) -> Steps[int | None]:
    """MSE:Set AT (§4.4.4.1); the tries left for the password where the chip tells them."""
    oid = bytes(core.ObjectIdentifier(info.oid).contents)
    data = tlv.encode(0x80, oid) + tlv.encode(0x83, bytes([reference]))
    if name_parameters and info.parameter_id is not None:
        length = max(1, (info.parameter_id.bit_length() + 7) // 8)
        data += tlv.encode(0x84, info.parameter_id.to_bytes(length, "big"))
    response = yield CommandApdu(0x00, 0x22, 0xC1, 0xA4, data)
    if response.sw in _BLOCKED:
        raise AccessDeniedError(f"the chip has blocked this password ({response.sw:04X})")
    tries = _tries_left(response.sw)
    if not response.ok and tries is None:
        raise PaceRefusedError(0, response.sw)
    return tries


def _nonce(password: Password, cipher: Cipher, mapping: Mapping, tries: int | None) -> Steps[bytes]:
    """Step 1: the decrypted nonce s (§4.4.3.3)."""
    response = yield _general_authenticate(b"")
    if response.sw in _BLOCKED:
        raise AccessDeniedError(f"the chip has blocked this password ({response.sw:04X})")
    if tries is not None and response.sw in _WRONG_PASSWORD:
        raise AccessDeniedError(f"the chip has suspended this password ({response.sw:04X})")
    encrypted = _object(_answer(1, response), DO_NONCE, 1)
    smallest = -(-cipher.key_bytes // cipher.block_size) * cipher.block_size
    usable = len(encrypted) == smallest or mapping is not Mapping.INTEGRATED
    if not 0 < len(encrypted) <= MAX_NONCE or len(encrypted) % cipher.block_size or not usable:
        raise ChipError(f"the chip sent a PACE nonce of {len(encrypted)} bytes")
    return decrypt_cbc(cipher, derive_key(cipher, password.pace_secret, KDF_PASSWORD), encrypted)


def _generic_mapping(
    group: AnyGroup, nonce: bytes, rng: Callable[[int], bytes]
) -> Steps[tuple[AnyGroup, bytes]]:
    """Step 2: Ĝ = s × G + H (§4.4.3.3.1); the mapped group and the chip's mapping key."""
    scalar = group.draw_scalar(rng)
    exchanged = yield from _exchange_keys(group, scalar, 2)
    own = group.public(int.from_bytes(nonce, "big") % group.order)
    shared = group.multiply(scalar, exchanged.element)
    return group.mapped(group.combine(own, shared)), exchanged.chip


def _integrated_mapping(
    group: AnyGroup, cipher: Cipher, nonce: bytes, rng: Callable[[int], bytes]
) -> Steps[AnyGroup]:
    """Step 2: Ĝ = f_G(R_p(s, t)) (§4.4.3.3.2); the chip's answer carries nothing."""
    t = rng(cipher.key_bytes)
    response = yield _general_authenticate(tlv.encode(DO_TERMINAL_MAPPING, t))
    _answer(2, response)
    number = pseudo_random_number(cipher, nonce, t, group.field_bits)
    return group.mapped(group.element_of(number))


def _agree(group: AnyGroup, rng: Callable[[int], bytes]) -> Steps[tuple["_Keys", bytes]]:
    """Step 3: both public keys over the mapped generator, and the shared secret."""
    scalar = group.draw_scalar(rng)
    exchanged = yield from _exchange_keys(group, scalar, 3)
    return exchanged, group.shared_secret(scalar, exchanged.element)


def _authenticate(
    session: SessionCipher, info: PaceInfo, exchanged: "_Keys", tries: int | None
) -> Steps[tuple[tlv.Tlv, ...]]:
    """Step 4: both authentication tokens (§4.4.3.4); the objects of the chip's last answer.

    References to certification authorities (87, 88) may stand among them.
    """
    token = session.token(public_key_object(info.oid, exchanged.chip, info.agreement))
    response = yield _general_authenticate(tlv.encode(DO_TERMINAL_TOKEN, token), last=True)
    left = _tries_left(response.sw)
    if response.sw in _WRONG_PASSWORD or left is not None:
        left = tries if left is None else left
        counter = "" if left is None else f"; tries left: {left}"
        raise AccessDeniedError(
            f"the chip refused the password with {response.sw:04X} in PACE{counter}"
        )
    objects = _answer(4, response)
    expected = session.token(public_key_object(info.oid, exchanged.own, info.agreement))
    if not hmac.compare_digest(expected, _object(objects, DO_CHIP_TOKEN, 4)):
        raise ChipError("the chip's authentication token of PACE is wrong")
    return objects


def _chip_authentication_data(session: SessionCipher, objects: tuple[tlv.Tlv, ...]) -> bytes:
    """CA_IC out of the encrypted chip authentication data (§4.4.3.5)."""
    encrypted = _object(objects, DO_CHIP_AUTHENTICATION_DATA, 4)
    if not encrypted or len(encrypted) % session.block_size:
        raise ChipError("the chip authentication data of PACE is no whole number of blocks")
    # §4.4.3.5.4: the IV is E(KS_enc, -1), that of a session whose counter is all ones.
    plain = session.decrypt(encrypted, b"\xff" * session.block_size)
    try:
        return unpad(plain)
    except SecureMessagingError:
        raise ChipError("the chip authentication data of PACE is padded wrongly") from None


@dataclass(frozen=True, slots=True)
class _Keys:
    """The ephemeral public keys of one step, as sent; ``element`` is the chip's."""

    own: bytes
    chip: bytes
    element: Any


def _exchange_keys(group: AnyGroup, scalar: int, step: int) -> Steps[_Keys]:
    own_tag, chip_tag = _KEY_TAGS[step]
    own = group.encode(group.public(scalar))
    long = len(own) + RESPONSE_OVERHEAD > MAX_SHORT_LE
    response = yield _general_authenticate(
        tlv.encode(own_tag, own), le=MAX_EXTENDED_LE if long else MAX_SHORT_LE
    )
    chip = _object(_answer(step, response), chip_tag, step)
    element = group.decode(chip)
    if group.encode(element) == own:  # §4.4.1, step 3 d
        raise ChipError("the chip returned our own public key in PACE")
    return _Keys(own, chip, element)


def _general_authenticate(
    objects: bytes, *, le: int = MAX_SHORT_LE, last: bool = False
) -> CommandApdu:
    """GENERAL AUTHENTICATE; all but the last are chained (§4.4.4.2, §4.4.4.3)."""
    data = tlv.encode(DO_DYNAMIC_AUTHENTICATION, objects)
    return CommandApdu(0x00 if last else 0x10, 0x86, 0x00, 0x00, data, le)


def _answer(step: int, response: ResponseApdu) -> tuple[tlv.Tlv, ...]:
    """The objects inside the dynamic authentication data of an answer."""
    if not response.ok:
        raise PaceRefusedError(step, response.sw)
    try:
        outer = tlv.parse(response.data)
        objects = outer.children()
    except MalformedTlvError as error:
        raise ChipError(f"the chip's answer in step {step} of PACE is malformed") from error
    if outer.tag != DO_DYNAMIC_AUTHENTICATION:
        raise ChipError(f"the chip's answer in step {step} of PACE has tag {outer.tag:X}, not 7C")
    return objects


def _object(objects: tuple[tlv.Tlv, ...], tag: int, step: int) -> bytes:
    try:
        return tlv.find(objects, tag).value
    except MalformedTlvError:
        raise ChipError(
            f"the chip's answer in step {step} of PACE lacks or repeats data object {tag:02X}"
        ) from None


def _tries_left(sw: int) -> int | None:
    return sw & 0x0F if sw & 0xFFF0 == _NO_TRIES else None
