"""What goes wrong while a card is being read, other than by what is stored on it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.errors import CardReason, ReaderError
from card_reader.simulator.chip import Chip
from card_reader.simulator.ciphers import AES_BLOCK, pad, unpad
from card_reader.simulator.pace import CHIP_DATA, CHIP_TOKEN
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.secure_messaging import CardSession
from card_reader.transport import Transport

_MAC_OBJECT = b"\x8e\x08"  # ICAO 9303-11 §9.8.4: the last object of a protected response
_MAC_AND_STATUS = 10
_EXECUTION_ERROR = b"\x6f\x00"
_ODD_CRYPTOGRAM, _STATUS, _MAC = 0x85, 0x99, 0x8E  # §9.8.4
_GENERAL_AUTHENTICATE, _DYNAMIC = 0x86, 0x7C


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong answer to one command.

    `ins` is the command's instruction, `at` says which of them since power-on is answered wrongly:
    the first is 1, and 0 is every one. `answer` makes the wrong answer out of the command and the
    right answer; all are plain.
    """

    ins: int
    answer: Callable[[CommandApdu, ResponseApdu], ResponseApdu]
    at: int = 0


class FaultyChip(Chip):
    """A chip that answers some commands wrongly; a session protects its answers as ever."""

    def __init__(self, profile: CardProfile, *faults: Fault) -> None:
        self._faults = faults
        self._heard: Counter[int] = Counter()
        super().__init__(profile)

    def reset(self) -> None:
        super().reset()
        self._heard.clear()

    def _dispatch(self, apdu: CommandApdu, longest_data: int) -> ResponseApdu:
        self._heard[apdu.ins] += 1
        response = super()._dispatch(apdu, longest_data)
        for fault in self._faults:
            if fault.ins == apdu.ins and fault.at in (0, self._heard[apdu.ins]):
                response = fault.answer(apdu, response)
        return response


class ChipDataChip(Chip):
    """A chip that encrypts other chip authentication data in PACE than it should.

    `content` makes them out of the right ones.
    """

    def __init__(self, profile: CardProfile, content: Callable[[bytes], bytes]) -> None:
        self._content = content
        super().__init__(profile)

    def _dispatch(self, apdu: CommandApdu, longest_data: int) -> ResponseApdu:
        response = super()._dispatch(apdu, longest_data)
        if apdu.ins != _GENERAL_AUTHENTICATE or self._session is None:
            return response
        objects = {item.tag: item for item in tlv.parse(response.data).children()}
        if CHIP_DATA not in objects:
            return response
        cipher, key = self._session.cipher, self._session.ks_enc
        iv = cipher.encrypt(key, b"\xff" * AES_BLOCK)
        right = unpad(cipher.decrypt(key, objects[CHIP_DATA].value, iv)) or b""
        wrong = cipher.encrypt(key, pad(self._content(right), AES_BLOCK), iv)
        answer = objects[CHIP_TOKEN].raw + tlv.encode(CHIP_DATA, wrong)
        return ResponseApdu(tlv.encode(_DYNAMIC, answer), response.sw)


class SessionFault(StrEnum):
    """What is wrong with a protected response."""

    MAC_MISSING = "mac_missing"
    STATUS_MISSING = "status_missing"  # the MAC is right without it
    CRYPTOGRAM_MISSING = "cryptogram_missing"  # the MAC is right without it
    CRYPTOGRAM_WRONG = "cryptogram_wrong"  # without padding; the MAC is right over it
    STALE_KEYS = "stale_keys"  # chip authentication changes no key


class FaultySessionChip(Chip):
    """A chip whose secure messaging is wrong in all responses, or from the `at`th on.

    `at` counts the protected responses since power-on, the first is 1.
    """

    def __init__(self, profile: CardProfile, fault: SessionFault, at: int = 1) -> None:
        self._fault, self._at = fault, at
        self._protected = 0
        super().__init__(profile)

    def reset(self) -> None:
        super().reset()
        self._protected = 0

    def _dispatch(self, apdu: CommandApdu, longest_data: int) -> ResponseApdu:
        before = self._session
        response = super()._dispatch(apdu, longest_data)
        if before is not None and self._fault is SessionFault.STALE_KEYS:
            self._session = before
        return response

    def _answer_protected(
        self, apdu: CommandApdu, session: CardSession, longest: int
    ) -> ResponseApdu:
        response = super()._answer_protected(apdu, session, longest)
        if not response.data:
            return response
        self._protected += 1
        return response if self._protected < self._at else self._wrong(response, session)

    def _wrong(self, response: ResponseApdu, session: CardSession) -> ResponseApdu:
        covered = [
            self._damaged(item, session)
            for item in tlv.parse_all(response.data)
            if item.tag != _MAC
        ]
        data = b"".join(covered)
        if self._fault is not SessionFault.MAC_MISSING:
            data += tlv.encode(_MAC, session.mac(data))
        return ResponseApdu(data, response.sw)

    def _damaged(self, item: tlv.Tlv, session: CardSession) -> bytes:
        """A data object as the fault leaves it."""
        if item.tag == _STATUS:
            return b"" if self._fault is SessionFault.STATUS_MISSING else item.raw
        if self._fault is SessionFault.CRYPTOGRAM_MISSING:
            return b""
        if self._fault is SessionFault.CRYPTOGRAM_WRONG:
            return session.cryptogram(bytes(session.cipher.block), odd=item.tag == _ODD_CRYPTOGRAM)
        return item.raw


class WrongMacChip(Chip):
    """A chip, or someone between, that turns a bit of the MAC of one protected response.

    `at` counts the protected responses, the first is 1.
    """

    def __init__(self, profile: CardProfile, at: int) -> None:
        super().__init__(profile)
        self._at = at
        self._protected = 0

    def reset(self) -> None:
        super().reset()
        self._protected = 0

    def transmit(self, command: bytes) -> bytes:
        response = super().transmit(command)
        start = len(response) - _MAC_AND_STATUS
        if response[max(start - 2, 0) : start] != _MAC_OBJECT:
            return response
        self._protected += 1
        if self._protected != self._at:
            return response
        return response[:start] + bytes([response[start] ^ 1]) + response[start + 1 :]


class ReplayingChip(Chip):
    """No chip at all: it answers what a genuine one answered in an earlier session."""

    def __init__(self, profile: CardProfile, responses: tuple[bytes, ...]) -> None:
        self._responses = responses
        self._next = 0
        super().__init__(profile)

    def reset(self) -> None:
        super().reset()
        self._next = 0

    def transmit(self, command: bytes) -> bytes:  # noqa: ARG002 - that is the point
        self._next += 1
        left = self._responses[self._next - 1 : self._next]
        return left[0] if left else _EXECUTION_ERROR


class TornTransport:
    """A contact that breaks after a number of bytes, in whichever command or response they end.

    A command that is cut off never reaches the chip; of a response that is cut off the chip has
    executed the command, but nobody hears of it.
    """

    def __init__(self, transport: Transport, after_bytes: int) -> None:
        self._transport = transport
        self._left = after_bytes

    @property
    def atr(self) -> bytes:
        return self._transport.atr

    def transmit(self, command: bytes) -> bytes:
        self._pass(len(command))
        response = self._transport.transmit(command)
        self._pass(len(response))
        return response

    def close(self) -> None:
        self._transport.close()

    def _pass(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ReaderError("the card was taken off the reader", CardReason.CARD_REMOVED)
