"""How long a conversation would take over the air, judged without hardware and without waiting.

The model is ISO/IEC 14443 type A: an APDU travels in blocks of ISO/IEC 14443-4 §7, each with its
prologue and checksum; a frame is followed by a pause; the reader's USB side and the chip's own
computing come on top. Waiting time extensions, retransmissions and field strength are left out:
real cards are slower, never faster. The figures of reader and chip are settings, not measurements.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile
from card_reader.transport import Transport

CARRIER = 13_560_000  # Hz, ISO/IEC 14443-2 §6.1
_BITS_PER_BYTE = 9  # eight and odd parity, ISO/IEC 14443-3 §6.2.3.1
_FRAME_BITS = 2  # start and end of communication, the same clause
_PROLOGUE_AND_CHECKSUM = 3  # PCB and two bytes CRC; no CID, no NAD (ISO/IEC 14443-4 §7.1)
_ACKNOWLEDGEMENT = 3  # R(ACK) between the blocks of a chain (§7.5.2)
# Frame delay time at the reader's last bit, n = 9 of ISO/IEC 14443-3 §6.2.1.1: 1172/fc. A chip
# answers no sooner, and the reader's next frame comes no sooner either.
_FRAME_DELAY = 1172 / CARRIER
_SET_KEY_AGREEMENT = b"\x22\x41\xa6"  # MSE:Set KAT: chip authentication with 3DES
_EXTERNAL_AUTHENTICATE, _GENERAL_AUTHENTICATE, _INTERNAL_AUTHENTICATE = b"\x82", b"\x86", b"\x88"


@dataclass(frozen=True, slots=True)
class TimingProfile:
    """Bit rate and delays; all times in seconds.

    `kilobits` is the nominal rate both ways: 106, 212, 424 or 848. `frame_bytes` is the smaller of
    FSD and FSC; 256 is the largest that ISO/IEC 14443-4 §5.1 had before its amendment and what
    passport readers use. `reader_latency` is per command: a full-speed USB frame of 1 ms, in which
    command and answer each wait half of one on average. `chip_command` is per command too.
    The chip's key operations lie within what makers of smart cards publish (tens of milliseconds
    on 256-bit curves, 100 to 300 ms for a 2048-bit RSA signature); set them to a real chip's.
    """

    kilobits: int = 424
    frame_bytes: int = 256
    reader_latency: float = 0.001
    chip_command: float = 0.0002
    chip_mutual_authentication: float = 0.010
    chip_key_agreement: float = 0.040
    chip_signature: float = 0.150

    def __post_init__(self) -> None:
        if self.kilobits not in _DIVISORS:
            raise ValueError(
                f"a contactless card speaks at {', '.join(map(str, _DIVISORS))} kbit/s"
            )
        if self.frame_bytes <= _PROLOGUE_AND_CHECKSUM:
            raise ValueError("a frame has room for its prologue and checksum")

    @property
    def bits_per_second(self) -> float:
        return CARRIER / _DIVISORS[self.kilobits]


# fc/128, fc/64, fc/32, fc/16 (ISO/IEC 14443-2 §8.1.1): 106 kbit/s is 105.9 in truth.
_DIVISORS = {106: 128, 212: 64, 424: 32, 848: 16}
KBIT_106, KBIT_424, KBIT_848 = (TimingProfile(rate) for rate in (106, 424, 848))
PROFILES = {profile.kilobits: profile for profile in (KBIT_106, KBIT_424, KBIT_848)}


@dataclass(slots=True)
class Timing:
    """What a conversation took so far: counts, and seconds by cause.

    `air` is the time that the bytes of all frames need at the bit rate; `pauses` the delays between
    frames; `reader` and `chip` what those two add.
    """

    profile: TimingProfile
    apdus: int = 0
    frames: int = 0
    frame_bytes: int = 0
    air: float = 0.0
    pauses: float = 0.0
    reader: float = 0.0
    chip: float = 0.0

    @property
    def total(self) -> float:
        return self.air + self.pauses + self.reader + self.chip

    @property
    def ratio(self) -> float:
        """Total without the chip's own computing, over the time in the air.

        A reader can save commands, frames and pauses, but no computing that the card asks for.
        """
        return (self.total - self.chip) / self.air if self.air else 1.0

    def to_dict(self) -> dict[str, float]:
        """Counts, and milliseconds by cause."""
        times = {"air": self.air, "pauses": self.pauses, "reader": self.reader, "chip": self.chip}
        milliseconds = {f"{name}_ms": round(1000 * value, 1) for name, value in times.items()}
        return {
            "kilobits": self.profile.kilobits,
            "apdus": self.apdus,
            "frame_bytes": self.frame_bytes,
            **milliseconds,
            "total_ms": round(1000 * self.total, 1),
            "ratio": round(self.ratio, 3),
        }

    def account(self, command: bytes, response: bytes) -> float:
        """Add one exchange; gives its seconds."""
        before = self.total
        self.apdus += 1
        self._send(len(command))
        self._send(len(response))
        self.reader += self.profile.reader_latency
        self.chip += self.profile.chip_command + _computing(self.profile, command)
        return self.total - before

    def _send(self, count: int) -> None:
        """One APDU in a chain of I-blocks, every block but the last acknowledged."""
        blocks = max(1, ceil(count / (self.profile.frame_bytes - _PROLOGUE_AND_CHECKSUM)))
        frames = 2 * blocks - 1
        octets = count + blocks * _PROLOGUE_AND_CHECKSUM + (blocks - 1) * _ACKNOWLEDGEMENT
        self.frames += frames
        self.frame_bytes += octets
        bits = octets * _BITS_PER_BYTE + frames * _FRAME_BITS
        self.air += bits / self.profile.bits_per_second
        self.pauses += frames * _FRAME_DELAY


@dataclass(slots=True)
class TimedTransport:
    """Any transport with an account of the time its exchanges would take.

    Nothing waits, unless `sleep` is given (`time.sleep`, for a demonstration). :meth:`clock` is a
    clock of simulated seconds for whoever times steps.
    """

    transport: Transport
    profile: TimingProfile = KBIT_424
    sleep: Callable[[float], None] | None = None
    timing: Timing = field(init=False)

    def __post_init__(self) -> None:
        self.timing = Timing(self.profile)

    @property
    def atr(self) -> bytes:
        return self.transport.atr

    def transmit(self, command: bytes) -> bytes:
        response = self.transport.transmit(command)
        seconds = self.timing.account(command, response)
        if self.sleep is not None:
            self.sleep(seconds)
        return response

    def close(self) -> None:
        self.transport.close()

    def clock(self) -> float:
        return self.timing.total


class TimedChip(Chip):
    """A chip behind a virtual reader that takes as long as a real one would."""

    def __init__(
        self,
        profile: CardProfile,
        timing: TimingProfile,
        sleep: Callable[[float], None],
        rng: Callable[[int], bytes] = os.urandom,
    ) -> None:
        super().__init__(profile, rng)
        self.timing = Timing(timing)
        self._sleep = sleep

    def transmit(self, command: bytes) -> bytes:
        response = super().transmit(command)
        self._sleep(self.timing.account(command, response))
        return response


def _computing(profile: TimingProfile, command: bytes) -> float:
    """The chip's key operation, known by the command's header, which is never encrypted.

    Each GENERAL AUTHENTICATE costs one operation: mapping, agreement, token, chip authentication.
    """
    if command[1:4] == _SET_KEY_AGREEMENT:
        return profile.chip_key_agreement
    return {
        _EXTERNAL_AUTHENTICATE: profile.chip_mutual_authentication,
        _GENERAL_AUTHENTICATE: profile.chip_key_agreement,
        _INTERNAL_AUTHENTICATE: profile.chip_signature,
    }.get(command[1:2], 0.0)
