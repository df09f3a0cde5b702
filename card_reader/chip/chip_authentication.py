"""Chip authentication, version 1: the chip proves that it holds the key of EF.DG14.

ICAO 9303-11 §6.2, TR-03110-1 §3.4.  The terminal draws an ephemeral key on the chip's group and
sends its public half under the session that is open; both sides then hold a shared secret, from
which a new session starts.  Whether the chip is genuine shows only when a response under the new
keys is authentic: until then nothing is proven.

The terminal is this reader, or a server that keeps the ephemeral private key to itself
(:class:`RemoteTerminal`): then the proof convinces the server too.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from card_reader import tlv
from card_reader.apdu import MAX_SHORT_LE, CommandApdu, ResponseApdu, StatusWord
from card_reader.domain_parameters import AnyGroup, group_of_key
from card_reader.errors import (
    CardError,
    CardReason,
    ChipError,
    MalformedTlvError,
    UnsupportedAlgorithmError,
)
from card_reader.lds import DATA_GROUPS
from card_reader.lds.security_infos import (
    Agreement,
    ChipAuthenticationChoice,
    ChipAuthenticationInfo,
    SecurityInfo,
    chip_authentication_choices,
    cipher_strength,
    oid_value,
)
from card_reader.secure_messaging import Cipher, SecureMessaging, SessionKeys, derive_session_keys

# The first command under the new keys: it changes nothing, and every chip that has come this
# far has the file.  An authentic response to it, whatever its status, is the proof.
PROBE = CommandApdu(0x00, 0xA4, 0x02, 0x0C, DATA_GROUPS[14].file_id.to_bytes(2, "big"))

_DO_PROTOCOL = 0x80
_DO_KEY_REFERENCE = 0x84
_DO_KAT_PUBLIC_KEY = 0x91
_DO_DYNAMIC_DATA = 0x7C
_DO_PUBLIC_KEY = 0x80


class ChipAuthenticationFailedError(ChipError):
    """The chip did not show that it holds the private key."""

    reason = CardReason.CHIP_NOT_GENUINE


@dataclass(frozen=True, slots=True)
class ChipAuthenticationResult:
    """The new session, and what evidence keeps; the public key is encoded as it was sent."""

    session: SecureMessaging
    oid: str
    key_id: int | None
    terminal_public_key: bytes


@dataclass(frozen=True, slots=True)
class RemoteOffer:
    """What a remote terminal hands out: its public key, and one command under the new keys.

    ``session`` names the run; ``probe`` is the command's bytes, to be sent as they are.
    """

    session: str
    oid: str
    key_id: int | None
    public_key: bytes
    probe: bytes


class RemoteTerminal(Protocol):
    """A server that is the terminal of chip authentication; the reader only carries bytes."""

    def begin(self, security_infos_file: bytes) -> RemoteOffer:
        """Open a run over an EF.DG14 as it was read; CardError where that offers none."""
        ...

    def release(self, session: str, response: bytes) -> SessionKeys:
        """The new session's keys, once, for the chip's raw response to the probe."""
        ...


@dataclass(frozen=True, slots=True)
class EphemeralKey:
    """The terminal's half of one agreement: what it sends, and the secret that follows."""

    public_key: bytes
    secret: bytes = field(repr=False)


def choose(infos: Sequence[SecurityInfo]) -> ChipAuthenticationChoice | None:
    """The strongest protocol and key that this package computes, None where none is offered.

    Raises UnsupportedAlgorithmError where the chip offers some, but none that is known here.
    """
    choices = chip_authentication_choices(infos)
    groups = {spki: _group(spki) for spki in {key.spki for _, key in choices}}
    ranked = [
        (_rank(choice, group), choice)
        for choice in choices
        if (group := groups[choice[1].spki]) is not None
    ]
    if choices and not ranked:
        raise UnsupportedAlgorithmError("chip authentication over keys unknown here")
    return max(ranked, key=lambda item: item[0])[1] if ranked else None


def agree(spki: bytes, rng: Callable[[int], bytes]) -> EphemeralKey:
    """Draw an ephemeral key on the group of the chip's static key and agree with that key."""
    group, chip_key = group_of_key(spki)
    scalar = group.draw_scalar(rng)
    return EphemeralKey(group.encode(group.public(scalar)), group.shared_secret(scalar, chip_key))


def new_keys(info: ChipAuthenticationInfo, key: EphemeralKey) -> SessionKeys:
    """The keys that replace the open session's; their counter starts at zero (§6.2.1)."""
    return derive_session_keys(Cipher(info.cipher), key.secret)


def chip_authentication(
    choice: ChipAuthenticationChoice,
    rng: Callable[[int], bytes],
    *,
    set_kat: bool | None = None,
) -> Generator[CommandApdu, ResponseApdu, ChipAuthenticationResult]:
    """Run the protocol under the open session; the result's session is the next one.

    ``set_kat``: whether MSE:Set KAT carries the key, or GENERAL AUTHENTICATE after MSE:Set AT;
    None is the former for 3DES.  A DH key fills more than a short command: the channel sends it
    extended, or in a chain.
    """
    info, chip_key = choice
    key = agree(chip_key.spki, rng)
    yield from _send_public_key(info, key.public_key, set_kat)
    session = SecureMessaging.of(new_keys(info, key))
    return ChipAuthenticationResult(session, info.oid, info.key_id, key.public_key)


def remote_chip_authentication(
    offer: RemoteOffer, *, set_kat: bool | None = None
) -> Generator[CommandApdu, ResponseApdu, None]:
    """Carry a remote terminal's public key to the chip; ``offer.probe`` is sent next, raw."""
    info = ChipAuthenticationInfo(offer.oid, key_id=offer.key_id)
    yield from _send_public_key(info, offer.public_key, set_kat)


def _group(spki: bytes) -> AnyGroup | None:
    """The key's group, None for an unknown one; checking a DH key takes a while."""
    try:
        return group_of_key(spki)[0]
    except CardError:
        return None


def _rank(choice: ChipAuthenticationChoice, group: AnyGroup) -> tuple[int, bool, int]:
    """Cipher first, then ECDH before DH, then the larger group."""
    info, _ = choice
    return cipher_strength(info.cipher), info.agreement is Agreement.ECDH, group.field_bits


def _send_public_key(
    info: ChipAuthenticationInfo, public_key: bytes, set_kat: bool | None = None
) -> Generator[CommandApdu, ResponseApdu, None]:
    reference = b""
    if info.key_id is not None:
        reference = tlv.encode(_DO_KEY_REFERENCE, _unsigned(info.key_id))
    # ICAO 9303-11 §6.2.4: MSE:Set KAT is for 3DES, which may go the other way too.
    if set_kat or (set_kat is None and info.cipher == Cipher.DES3):
        data = tlv.encode(_DO_KAT_PUBLIC_KEY, public_key) + reference
        _demand("MSE:Set KAT", (yield CommandApdu(0x00, 0x22, 0x41, 0xA6, data)))
        return
    data = tlv.encode(_DO_PROTOCOL, oid_value(info.oid)) + reference
    _demand("MSE:Set AT", (yield CommandApdu(0x00, 0x22, 0x41, 0xA4, data)))
    data = tlv.encode(_DO_DYNAMIC_DATA, tlv.encode(_DO_PUBLIC_KEY, public_key))
    response = yield CommandApdu(0x00, 0x86, 0x00, 0x00, data, MAX_SHORT_LE)
    _demand("GENERAL AUTHENTICATE", response)
    _check_dynamic_data(response.data)


def _demand(name: str, response: ResponseApdu) -> None:
    if not response.ok:
        meaning = StatusWord.meaning(response.sw)
        raise ChipError(f"chip authentication: {name} gave {response.sw:04X} ({meaning})")


def _check_dynamic_data(data: bytes) -> None:
    """Version 1 answers with an empty template (TR-03110-3 B.2); some chips with nothing."""
    try:
        sound = not data or tlv.parse(data).tag == _DO_DYNAMIC_DATA
    except MalformedTlvError:
        sound = False
    if not sound:
        raise ChipError("chip authentication: the chip's answer is no dynamic authentication data")


def _unsigned(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
