"""Command and response APDUs and status words (ISO 7816-4 §5.1)."""

from dataclasses import dataclass

from card_reader.errors import MalformedApduError

MAX_SHORT_DATA = 255
MAX_SHORT_LE = 256
MAX_EXTENDED_DATA = 65_535
MAX_EXTENDED_LE = 65_536
MAX_RESPONSE = 65_538


@dataclass(frozen=True, slots=True)
class CommandApdu:
    """One command.  ``le`` is the expected length: None for none, 256 or 65,536 for "all"."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None

    def __post_init__(self) -> None:
        if any(not 0 <= byte <= 0xFF for byte in (self.cla, self.ins, self.p1, self.p2)):
            raise MalformedApduError("a header byte is out of range")
        if len(self.data) > MAX_EXTENDED_DATA:
            raise MalformedApduError(f"{len(self.data)} bytes of command data are too many")
        if self.le is not None and not 0 < self.le <= MAX_EXTENDED_LE:
            raise MalformedApduError(f"expected length {self.le} is out of range")

    @property
    def header(self) -> bytes:
        """CLA INS P1 P2."""
        return bytes([self.cla, self.ins, self.p1, self.p2])

    @property
    def extended(self) -> bool:
        """Whether data or expected length need the extended form."""
        return len(self.data) > MAX_SHORT_DATA or (self.le or 0) > MAX_SHORT_LE

    def to_bytes(self) -> bytes:
        """Short form where it suffices, else extended (ISO 7816-4 §5.1, cases 1 to 4)."""
        if not self.extended:
            length = bytes([len(self.data)]) + self.data if self.data else b""
            expected = b"" if self.le is None else bytes([self.le & 0xFF])
            return self.header + length + expected
        length = b"\x00" + len(self.data).to_bytes(2, "big") + self.data if self.data else b""
        if self.le is None:
            return self.header + length
        expected = (self.le & 0xFFFF).to_bytes(2, "big")
        return self.header + (length or b"\x00") + expected

    @classmethod
    def from_bytes(cls, raw: bytes) -> "CommandApdu":
        """Parse one command; hostile bytes give :class:`MalformedApduError`."""
        if len(raw) < 4:
            raise MalformedApduError("a command has at least four bytes")
        cla, ins, p1, p2 = raw[:4]
        data, le = _command_body(raw[4:])
        return cls(cla, ins, p1, p2, data, le)


@dataclass(frozen=True, slots=True)
class ResponseApdu:
    """One response: its data and its status word."""

    data: bytes
    sw: int

    @property
    def ok(self) -> bool:
        return self.sw == StatusWord.OK

    def to_bytes(self) -> bytes:
        return self.data + self.sw.to_bytes(2, "big")

    @classmethod
    def from_bytes(cls, raw: bytes) -> "ResponseApdu":
        if not 2 <= len(raw) <= MAX_RESPONSE:
            raise MalformedApduError(f"a response of {len(raw)} bytes")
        return cls(raw[:-2], int.from_bytes(raw[-2:], "big"))


class StatusWord:
    """Status words that this package looks at (ISO 7816-4 §5.1.3, tables 5 and 6)."""

    OK = 0x9000
    WARNING = 0x6200
    END_OF_FILE = 0x6282
    AUTHENTICATION_FAILED = 0x6300
    WRONG_LENGTH = 0x6700
    SECURE_MESSAGING_UNSUPPORTED = 0x6882
    SECURITY_STATUS = 0x6982
    AUTHENTICATION_BLOCKED = 0x6983
    CONDITIONS_NOT_SATISFIED = 0x6985
    NO_CURRENT_EF = 0x6986
    SM_OBJECTS_MISSING = 0x6987
    SM_OBJECTS_INCORRECT = 0x6988
    WRONG_DATA = 0x6A80
    FUNCTION_UNSUPPORTED = 0x6A81
    FILE_NOT_FOUND = 0x6A82
    RECORD_NOT_FOUND = 0x6A83
    INCORRECT_P1_P2 = 0x6A86
    REFERENCED_DATA_NOT_FOUND = 0x6A88
    WRONG_P1_P2 = 0x6B00
    INS_UNSUPPORTED = 0x6D00
    CLA_UNSUPPORTED = 0x6E00
    NO_DIAGNOSIS = 0x6F00

    @staticmethod
    def more_available(sw: int) -> int | None:
        """For 61xx the number of bytes that GET RESPONSE fetches (256 for 00), else None."""
        return (sw & 0xFF) or MAX_SHORT_LE if sw >> 8 == 0x61 else None

    @staticmethod
    def right_le(sw: int) -> int | None:
        """For 6Cxx the expected length that the card wants (256 for 00), else None."""
        return (sw & 0xFF) or MAX_SHORT_LE if sw >> 8 == 0x6C else None

    @staticmethod
    def meaning(sw: int) -> str:
        """The status word in words, for a log line."""
        return _MEANINGS.get(sw, "unknown status")


_MEANINGS = {
    StatusWord.OK: "done",
    StatusWord.WARNING: "warning",
    StatusWord.END_OF_FILE: "end of file reached",
    StatusWord.AUTHENTICATION_FAILED: "authentication failed",
    StatusWord.WRONG_LENGTH: "wrong length",
    StatusWord.SECURE_MESSAGING_UNSUPPORTED: "secure messaging not supported",
    StatusWord.SECURITY_STATUS: "security status not satisfied",
    StatusWord.AUTHENTICATION_BLOCKED: "authentication method blocked",
    StatusWord.CONDITIONS_NOT_SATISFIED: "conditions of use not satisfied",
    StatusWord.NO_CURRENT_EF: "no file selected",
    StatusWord.SM_OBJECTS_MISSING: "secure messaging objects missing",
    StatusWord.SM_OBJECTS_INCORRECT: "secure messaging objects incorrect",
    StatusWord.WRONG_DATA: "wrong data",
    StatusWord.FUNCTION_UNSUPPORTED: "function not supported",
    StatusWord.FILE_NOT_FOUND: "file or application not found",
    StatusWord.RECORD_NOT_FOUND: "record not found",
    StatusWord.INCORRECT_P1_P2: "incorrect P1-P2",
    StatusWord.REFERENCED_DATA_NOT_FOUND: "referenced data not found",
    StatusWord.WRONG_P1_P2: "wrong P1-P2 or offset",
    StatusWord.INS_UNSUPPORTED: "instruction not supported",
    StatusWord.CLA_UNSUPPORTED: "class not supported",
    StatusWord.NO_DIAGNOSIS: "no precise diagnosis",
}


def _command_body(body: bytes) -> tuple[bytes, int | None]:
    """Data and expected length behind the header (ISO 7816-4 §5.1, cases 1, 2S-4S, 2E-4E)."""
    if not body:
        return b"", None
    if len(body) == 1:
        return b"", body[0] or MAX_SHORT_LE
    if body[0] != 0:
        return _split_body(body, 1, body[0], le_bytes=1)
    if len(body) == 3:
        return b"", int.from_bytes(body[1:], "big") or MAX_EXTENDED_LE
    return _split_body(body, 3, int.from_bytes(body[1:3], "big"), le_bytes=2)


def _split_body(body: bytes, start: int, length: int, *, le_bytes: int) -> tuple[bytes, int | None]:
    data, tail = body[start : start + length], body[start + length :]
    if length == 0 or len(data) != length or len(tail) not in (0, le_bytes):
        raise MalformedApduError("length field and body of the command disagree")
    if not tail:
        return data, None
    return data, int.from_bytes(tail, "big") or 1 << (8 * le_bytes)
