"""Secure messaging, the chip's part (ICAO 9303-11 §9.8)."""

import hmac

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu, StatusWord
from card_reader.errors import MalformedTlvError
from card_reader.simulator.ciphers import AUTHENTICATION, ENCRYPTION, BlockCipher, pad, unpad
from card_reader.simulator.refusal import RefusalError

_PADDING_INDICATOR = b"\x01"
_CRYPTOGRAM, _ODD_CRYPTOGRAM, _LE, _STATUS, _MAC = 0x87, 0x85, 0x97, 0x99, 0x8E
_KNOWN = {_CRYPTOGRAM, _ODD_CRYPTOGRAM, _LE, _MAC}
_SECURE_CLASS = 0x0C
_LONGEST_SHORT = 256


class CardSession:
    """One secure session seen from the chip; any fault ends it.

    The counter has the cipher's block length and starts at zero, but for BAC (§9.8.6.3).
    """

    def __init__(self, cipher: BlockCipher, ks_enc: bytes, ks_mac: bytes, counter: int = 0) -> None:
        self.cipher = cipher
        self.ks_enc, self.ks_mac, self.counter = ks_enc, ks_mac, counter

    @classmethod
    def agreed(cls, cipher: BlockCipher, secret: bytes, counter: int = 0) -> "CardSession":
        """The session that follows from a shared secret (§9.7.1)."""
        ks_enc = cipher.derive(secret, ENCRYPTION)
        return cls(cipher, ks_enc, cipher.derive(secret, AUTHENTICATION), counter)

    @property
    def longest_short_data(self) -> int:
        """The most plain data that one short response holds: 231 bytes (3DES) or 223 (AES)."""
        frame = 3 + 4 + 10  # 87 81 xx, 99 02 SW, 8E 08 MAC; and the padding indicator below
        blocks = (_LONGEST_SHORT - frame - len(_PADDING_INDICATOR)) // self.cipher.block
        return blocks * self.cipher.block - 1

    def unwrap(self, command: CommandApdu) -> CommandApdu:
        """The plain command inside a protected one (§9.8.4)."""
        try:
            objects = tlv.parse_all(command.data)
        except MalformedTlvError:
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT) from None
        found = {item.tag: item for item in objects}
        if _MAC not in found:
            raise RefusalError(StatusWord.SM_OBJECTS_MISSING)
        if len(found) != len(objects) or not found.keys() <= _KNOWN:
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
        covered = b"".join(item.raw for item in objects if item.tag != _MAC)
        self._count()
        expected = self._mac(pad(command.header, self.cipher.block), covered)
        if not hmac.compare_digest(expected, found[_MAC].value):
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
        odd = bool(command.ins & 1)
        wrong, right = (_CRYPTOGRAM, _ODD_CRYPTOGRAM) if odd else (_ODD_CRYPTOGRAM, _CRYPTOGRAM)
        if wrong in found:
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
        data = self._open(found[right].value, odd=odd) if right in found else b""
        le = _expected_length(found[_LE].value) if _LE in found else None
        cla = command.cla & ~_SECURE_CLASS
        return CommandApdu(cla, command.ins, command.p1, command.p2, data, le)

    def wrap(self, response: ResponseApdu, ins: int) -> ResponseApdu:
        """The protected form of a response; `ins` is the command's instruction (§9.8.5)."""
        self._count()
        objects = self._close(response.data, odd=bool(ins & 1)) if response.data else b""
        objects += tlv.encode(_STATUS, response.sw.to_bytes(2, "big"))
        return ResponseApdu(objects + tlv.encode(_MAC, self.mac(objects)), response.sw)

    def mac(self, objects: bytes) -> bytes:
        """The MAC over the data objects of the response at this counter (§9.8.4)."""
        return self._mac(b"", objects)

    def cryptogram(self, blocks: bytes, *, odd: bool) -> bytes:
        """The data object for padded data of the response at this counter (§9.8.4)."""
        encrypted = self.cipher.encrypt(self.ks_enc, blocks, self._iv)
        if odd:
            return tlv.encode(_ODD_CRYPTOGRAM, encrypted)
        return tlv.encode(_CRYPTOGRAM, _PADDING_INDICATOR + encrypted)

    def _count(self) -> None:
        self.counter = (self.counter + 1) % (1 << 8 * self.cipher.block)

    @property
    def _counter_bytes(self) -> bytes:
        return self.counter.to_bytes(self.cipher.block, "big")

    def _mac(self, header: bytes, objects: bytes) -> bytes:
        blocks = self._counter_bytes + header
        if objects:
            blocks += pad(objects, self.cipher.block)
        return self.cipher.mac(self.ks_mac, blocks)

    @property
    def _iv(self) -> bytes:
        return self.cipher.message_iv(self.ks_enc, self._counter_bytes)

    def _open(self, value: bytes, *, odd: bool) -> bytes:
        cryptogram = value if odd else value.removeprefix(_PADDING_INDICATOR)
        whole = cryptogram and len(cryptogram) % self.cipher.block == 0
        if not whole or (not odd and cryptogram is value):
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
        plain = unpad(self.cipher.decrypt(self.ks_enc, cryptogram, self._iv))
        if plain is None:
            raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
        return plain

    def _close(self, data: bytes, *, odd: bool) -> bytes:
        return self.cryptogram(pad(data, self.cipher.block), odd=odd)


def _expected_length(value: bytes) -> int:
    if len(value) not in (1, 2):
        raise RefusalError(StatusWord.SM_OBJECTS_INCORRECT)
    return int.from_bytes(value, "big") or 1 << (8 * len(value))
