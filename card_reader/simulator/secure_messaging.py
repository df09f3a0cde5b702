"""Basic access control and 3DES secure messaging, the chip's part (ICAO 9303-11 §4.3, §9.8)."""

import hashlib
import hmac
from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu, StatusWord
from card_reader.errors import MalformedTlvError
from card_reader.simulator.profile import AccessKeys

BLOCK = 8
_PADDING_INDICATOR = b"\x01"
_CRYPTOGRAM, _ODD_CRYPTOGRAM, _LE, _STATUS, _MAC = 0x87, 0x85, 0x97, 0x99, 0x8E
_MAX_COUNTER = 1 << 64


class RefusalError(Exception):
    """The chip answers with this status word."""

    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw


class BasicAccess:
    """The two document keys of BAC, and one mutual authentication."""

    def __init__(self, keys: AccessKeys) -> None:
        seed = hashlib.sha1(mrz_information(keys).encode("ascii"), usedforsecurity=False).digest()[
            :16
        ]
        self.k_enc, self.k_mac = derive_keys(seed)

    def authenticate(
        self, command: bytes, rnd_ic: bytes, rng: Callable[[int], bytes]
    ) -> tuple[bytes, "CardSession"]:
        """Response data and the new session for EXTERNAL AUTHENTICATE (ICAO 9303-11 §4.3.3)."""
        if len(command) != 40:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        cryptogram, received = command[:32], command[32:]
        if not hmac.compare_digest(retail_mac(self.k_mac, pad(cryptogram)), received):
            raise RefusalError(StatusWord.AUTHENTICATION_FAILED)
        plain = decrypt(self.k_enc, cryptogram)
        rnd_ifd, echoed, k_ifd = plain[:8], plain[8:16], plain[16:]
        if not hmac.compare_digest(echoed, rnd_ic):
            raise RefusalError(StatusWord.AUTHENTICATION_FAILED)
        k_ic = rng(16)
        answer = encrypt(self.k_enc, rnd_ic + rnd_ifd + k_ic)
        seed = bytes(a ^ b for a, b in zip(k_ifd, k_ic, strict=True))
        counter = rnd_ic[4:] + rnd_ifd[4:]  # §9.8.6.3
        session = CardSession(*derive_keys(seed), int.from_bytes(counter, "big"))
        return answer + retail_mac(self.k_mac, pad(answer)), session


class CardSession:
    """One secure session seen from the chip; any fault ends it."""

    def __init__(self, ks_enc: bytes, ks_mac: bytes, counter: int) -> None:
        self.ks_enc, self.ks_mac, self.counter = ks_enc, ks_mac, counter

    def unwrap(self, command: CommandApdu) -> CommandApdu:
        """The plain command inside a protected one (§9.8.4)."""
        try:
            objects = tlv.parse_all(command.data)
        except MalformedTlvError:
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT) from None
        found = {item.tag: item for item in objects}
        if _MAC not in found:
            raise RefusalError(StatusWord.SM_OBJECTS_MISSING)
        if len(found) != len(objects) or not found.keys() <= {
            _CRYPTOGRAM,
            _ODD_CRYPTOGRAM,
            _LE,
            _MAC,
        }:
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
        covered = b"".join(item.raw for item in objects if item.tag != _MAC)
        expected = self._mac(pad(command.header), covered)
        if not hmac.compare_digest(expected, found[_MAC].value):
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
        odd = bool(command.ins & 1)
        wrong, right = (_CRYPTOGRAM, _ODD_CRYPTOGRAM) if odd else (_ODD_CRYPTOGRAM, _CRYPTOGRAM)
        if wrong in found:
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
        data = self._open(found[right].value, odd) if right in found else b""
        le = _expected_length(found[_LE].value) if _LE in found else None
        return CommandApdu(command.cla & ~0x0C, command.ins, command.p1, command.p2, data, le)

    def wrap(self, response: ResponseApdu, ins: int) -> ResponseApdu:
        """The protected form of a response; `ins` is the command's instruction (§9.8.5)."""
        objects = self._close(response.data, odd=bool(ins & 1)) if response.data else b""
        objects += tlv.encode(_STATUS, response.sw.to_bytes(2, "big"))
        return ResponseApdu(objects + tlv.encode(_MAC, self._mac(b"", objects)), response.sw)

    def _mac(self, header: bytes, objects: bytes) -> bytes:
        self.counter = (self.counter + 1) % _MAX_COUNTER
        body = self.counter.to_bytes(BLOCK, "big") + header
        return retail_mac(self.ks_mac, body + pad(objects) if objects else body)

    def _open(self, value: bytes, odd: bool) -> bytes:
        cryptogram = value if odd else value.removeprefix(_PADDING_INDICATOR)
        if not cryptogram or len(cryptogram) % BLOCK or (not odd and cryptogram is value):
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
        plain = decrypt(self.ks_enc, cryptogram).rstrip(b"\x00")
        if not plain.endswith(b"\x80"):
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
        return plain[:-1]

    def _close(self, data: bytes, *, odd: bool) -> bytes:
        cryptogram = encrypt(self.ks_enc, pad(data))
        if odd:
            return tlv.encode(_ODD_CRYPTOGRAM, cryptogram)
        return tlv.encode(_CRYPTOGRAM, _PADDING_INDICATOR + cryptogram)


def mrz_information(keys: AccessKeys) -> str:
    """Number, birth and expiry, each with its check digit (ICAO 9303-11 §4.3.2)."""
    number = keys.document_number.ljust(9, "<")
    return "".join(
        field + _check_digit(field) for field in (number, keys.date_of_birth, keys.date_of_expiry)
    )


def derive_keys(seed: bytes) -> tuple[bytes, bytes]:
    """K_enc and K_mac from a 16-byte seed (ICAO 9303-11 §9.7.1)."""
    return _derive_key(seed, 1), _derive_key(seed, 2)


def pad(data: bytes) -> bytes:
    """ISO/IEC 9797-1 padding method 2 to blocks of 8."""
    return data + b"\x80" + bytes(-(len(data) + 1) % BLOCK)


def retail_mac(key: bytes, padded: bytes) -> bytes:
    """ISO/IEC 9797-1 MAC algorithm 3 with DES over whole blocks."""
    first, second = key[:8], key[8:16]
    chained = _single_des(first, padded, encrypting=True)[-BLOCK:]
    middle = _single_des(second, chained, encrypting=False)
    return _single_des(first, middle, encrypting=True)


def encrypt(key: bytes, data: bytes) -> bytes:
    """Two-key 3DES, CBC with a zero initial vector."""
    return _tdes(key + key[:8], data, encrypting=True)


def decrypt(key: bytes, data: bytes) -> bytes:
    return _tdes(key + key[:8], data, encrypting=False)


def _single_des(key: bytes, data: bytes, *, encrypting: bool) -> bytes:
    return _tdes(key * 3, data, encrypting=encrypting)


def _tdes(key: bytes, data: bytes, *, encrypting: bool) -> bytes:
    cipher = Cipher(TripleDES(key), modes.CBC(bytes(BLOCK)))
    context = cipher.encryptor() if encrypting else cipher.decryptor()
    return context.update(data) + context.finalize()


def _derive_key(seed: bytes, counter: int) -> bytes:
    digest = hashlib.sha1(seed + counter.to_bytes(4, "big"), usedforsecurity=False).digest()[:16]
    return bytes(_odd_parity(byte) for byte in digest)


def _odd_parity(byte: int) -> int:
    return (byte & 0xFE) | (1 - (byte >> 1).bit_count() % 2)


def _check_digit(text: str) -> str:
    values = (int(character, 36) for character in text.replace("<", "0"))
    return str(sum(v * (7, 3, 1)[i % 3] for i, v in enumerate(values)) % 10)


def _expected_length(value: bytes) -> int:
    if len(value) not in (1, 2):
        raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
    return int.from_bytes(value, "big") or 1 << (8 * len(value))
