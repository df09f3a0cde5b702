"""PACE, the chip's part: generic, integrated, chip authentication mapping (ICAO 9303-11 §4.4)."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from asn1crypto import core

from card_reader import tlv
from card_reader.apdu import StatusWord
from card_reader.domain_parameters import AnyGroup, DhGroup, standardised
from card_reader.errors import CardError, UnreadableInputError, UnsupportedAlgorithmError
from card_reader.lds.security_infos import PACE_VERSION, Mapping, PaceInfo
from card_reader.simulator.ciphers import AES_BLOCK, CIPHERS, BlockCipher, pad
from card_reader.simulator.profile import PaceOffer
from card_reader.simulator.refusal import RefusalError
from card_reader.simulator.secure_messaging import CardSession

Rng = Callable[[int], bytes]

ENCRYPTED_NONCE, TERMINAL_MAPPING, CHIP_MAPPING = 0x80, 0x81, 0x82
TERMINAL_KEY, CHIP_KEY, TERMINAL_TOKEN, CHIP_TOKEN = 0x83, 0x84, 0x85, 0x86
AUTHORITY_REFERENCE, CHIP_DATA = 0x87, 0x8A
_PUBLIC_KEY, _OID, _EC_POINT, _DH_VALUE = 0x7F49, 0x06, 0x86, 0x84  # §9.4
_SAFETY_BITS = 64  # §4.4.3.3.2

# §4.4.3.3.2, by the length of the nonce.
_C0 = {
    16: "a668892a7c41e3ca739f40b057d85904",
    32: "d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676",
}
_C1 = {
    16: "a4e136ac725f738b01c1f60217c188ad",
    32: "54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517",
}


class WrongPasswordError(Exception):
    """The terminal's token is wrong: so was its password."""


@dataclass(frozen=True, slots=True)
class PaceSuite:
    """One way to run PACE, ready to compute."""

    oid: str
    parameter_id: int
    mapping: Mapping
    cipher: BlockCipher
    group: AnyGroup

    @classmethod
    def of(cls, offer: PaceOffer) -> "PaceSuite":
        group = standardised(offer.parameter_id)
        try:
            info = PaceInfo(offer.oid, PACE_VERSION, offer.parameter_id)
        except UnsupportedAlgorithmError:
            info = None
        if info is None or group is None or not _runs_over(info, group):
            raise UnreadableInputError(
                f"a card cannot offer PACE {offer.oid} with parameters {offer.parameter_id}"
            )
        cipher = CIPHERS[info.cipher]
        return cls(offer.oid, offer.parameter_id, info.mapping, cipher, group)


class PaceRun:
    """One run over one suite with one key K_pi; `step` takes what GENERAL AUTHENTICATE carries.

    `mapping_key` is the static private key of PACE-CAM. After the last step `session` is there.
    """

    def __init__(
        self, suite: PaceSuite, k_pi: bytes, rng: Rng, *, mapping_key: int | None = None
    ) -> None:
        self.suite = suite
        self.session: CardSession | None = None
        self._k_pi, self._rng, self._mapping_key = k_pi, rng, mapping_key
        self._steps = [
            (None, self._send_nonce),
            (TERMINAL_MAPPING, self._map_nonce),
            (TERMINAL_KEY, self._agree),
            (TERMINAL_TOKEN, self._authenticate),
        ]

    @property
    def last(self) -> bool:
        """Whether the next step is the last."""
        return len(self._steps) == 1

    def step(self, objects: Sequence[tlv.Tlv]) -> bytes:
        """The objects of the answer; raises RefusalError or, at the end, WrongPasswordError."""
        if not self._steps:
            raise RefusalError(StatusWord.CONDITIONS_NOT_SATISFIED)
        tag, answer = self._steps.pop(0)
        if [item.tag for item in objects] != ([] if tag is None else [tag]):
            raise RefusalError(StatusWord.WRONG_DATA)
        try:
            return answer(objects[0].value if objects else b"")
        except CardError:  # a public key that is none
            raise RefusalError(StatusWord.WRONG_DATA) from None

    def _send_nonce(self, _: bytes) -> bytes:
        cipher = self.suite.cipher
        # §4.4.3.3: the smallest multiple of the block that is no shorter than the key
        self._nonce = self._rng(-(-cipher.key_bytes // cipher.block) * cipher.block)
        return tlv.encode(ENCRYPTED_NONCE, cipher.encrypt(self._k_pi, self._nonce))

    def _map_nonce(self, data: bytes) -> bytes:
        group = self.suite.group
        if self.suite.mapping is Mapping.INTEGRATED:
            self._group = integrated_mapping(self.suite.cipher, group, self._nonce, data)
            return tlv.encode(CHIP_MAPPING, b"")
        terminal = group.decode(data)
        self._mapping_scalar = group.draw_scalar(self._rng)
        public = group.public(self._mapping_scalar)
        shared = group.multiply(self._mapping_scalar, terminal)
        nonce = int.from_bytes(self._nonce, "big") % group.order
        generator = group.combine(group.multiply(nonce, group.generator), shared)
        self._group = group.mapped(generator)
        return tlv.encode(CHIP_MAPPING, group.encode(public))

    def _agree(self, data: bytes) -> bytes:
        self._terminal_key = self._group.decode(data)
        scalar = self._group.draw_scalar(self._rng)
        self._public = self._group.public(scalar)
        if self._public == self._terminal_key:  # §4.4.1 step 3 d
            raise RefusalError(StatusWord.AUTHENTICATION_FAILED)
        secret = self._group.shared_secret(scalar, self._terminal_key)
        self._agreed = CardSession.agreed(self.suite.cipher, secret)
        return tlv.encode(CHIP_KEY, self._group.encode(self._public))

    def _authenticate(self, token: bytes) -> bytes:
        if not hmac.compare_digest(self._token(self._public), token):
            raise WrongPasswordError
        self.session = self._agreed
        answer = tlv.encode(CHIP_TOKEN, self._token(self._terminal_key))
        if self.suite.mapping is Mapping.CHIP_AUTHENTICATION:
            answer += tlv.encode(CHIP_DATA, self._chip_data())
        return answer

    def _token(self, public: Any) -> bytes:
        return authentication_token(self.suite, self._agreed.ks_mac, public)

    def _chip_data(self) -> bytes:
        """Encrypted chip authentication data (§4.4.3.5)."""
        if self._mapping_key is None:
            raise RefusalError(StatusWord.REFERENCED_DATA_NOT_FOUND)
        order, cipher = self.suite.group.order, self.suite.cipher
        number = pow(self._mapping_key, -1, order) * self._mapping_scalar % order
        data = pad(number.to_bytes(self.suite.group.scalar_bytes, "big"), AES_BLOCK)
        iv = cipher.encrypt(self._agreed.ks_enc, b"\xff" * AES_BLOCK)
        return cipher.encrypt(self._agreed.ks_enc, data, iv)


def _runs_over(info: PaceInfo, group: AnyGroup) -> bool:
    # §9.5.1: integrated mapping not over secp224r1
    return info.supported and (info.mapping is not Mapping.INTEGRATED or group.maps_numbers)


def authentication_token(suite: PaceSuite, ks_mac: bytes, public: Any) -> bytes:
    """The code over the public key data object of the other side (§4.4.3.4, §9.4.5)."""
    value = _DH_VALUE if isinstance(suite.group, DhGroup) else _EC_POINT
    content = tlv.encode(_OID, oid_bytes(suite.oid)) + tlv.encode(value, suite.group.encode(public))
    return suite.cipher.token(ks_mac, tlv.encode(_PUBLIC_KEY, content))


def integrated_mapping(
    cipher: BlockCipher, group: AnyGroup, nonce: bytes, terminal_nonce: bytes
) -> AnyGroup:
    """The group with the generator of both nonces (§4.4.3.3.2)."""
    if len(terminal_nonce) != cipher.key_bytes:
        raise RefusalError(StatusWord.WRONG_DATA)
    output = pseudo_random(cipher, group.field_bits, nonce, terminal_nonce)
    return group.mapped(group.element_of(int.from_bytes(output, "big")))  # reduces modulo p


def pseudo_random(
    cipher: BlockCipher, field_bits: int, nonce: bytes, terminal_nonce: bytes
) -> bytes:
    """x1 || x2 || ... || xn of figure 2: n nonces' lengths reach 64 bits beyond the field."""
    c0, c1 = (bytes.fromhex(table[len(nonce)]) for table in (_C0, _C1))
    key = cipher.encrypt(terminal_nonce, nonce)[: cipher.key_bytes]
    output = b""
    while 8 * len(output) < field_bits + _SAFETY_BITS:
        output += cipher.encrypt(key, c1)
        key = cipher.encrypt(key, c0)[: cipher.key_bytes]
    return output


def oid_bytes(oid: str) -> bytes:
    """The content of an object identifier, as data object 80 of MSE:Set AT holds it."""
    return bytes(core.ObjectIdentifier(oid).contents)
