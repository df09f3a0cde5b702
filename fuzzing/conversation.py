"""Whole readings of a hostile chip: `read_card` against answers that are wrong in every way.

The chip is a simulated one, so it knows the password and can lie inside secure messaging too.  What
holds, besides `fuzzing.target`: a reading ends after `MAX_COMMANDS` commands at the latest, its
evidence can be stored, and nothing that the chip made up passes for genuine (`fuzzing.forgeries`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, auto

from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.channel import MAX_APDUS
from card_reader.errors import CardReason, ReaderError
from card_reader.evidence import ChipEvidence
from card_reader.reader import read_card
from card_reader.simulator import catalogue
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile
from card_reader.transport import Transport
from fuzzing import corpus
from fuzzing.corpus import Original
from fuzzing.forgeries import check_evidence
from fuzzing.mutation import Change, changed
from fuzzing.target import Target, require

RECORD = 6
MAX_LIES = 8
MAX_COMMANDS = MAX_APDUS + 100  # the reader does not count a command that found no card
_INTERNAL_AUTHENTICATE = 0x88
_HUGE = 70_000
_STATUS_WORDS = (
    0x9000, 0x6100, 0x61FF, 0x6C00, 0x6C01, 0x6CFF, 0x6282, 0x6283, 0x6300, 0x63C0, 0x63C1, 0x6400,
    0x6581, 0x6700, 0x6882, 0x6883, 0x6884, 0x6982, 0x6983, 0x6985, 0x6986, 0x6987, 0x6988, 0x6A80,
    0x6A82, 0x6A86, 0x6A88, 0x6B00, 0x6D00, 0x6E00, 0x6F00, 0x0000, 0xFFFF,
)  # fmt: skip


class Deed(IntEnum):
    """What is wrong with an answer; the first ones concern the wire, the later ones the plain
    answer inside secure messaging, the last ones the card."""

    BYTES = 0
    TRUNCATED = auto()
    STATUS = auto()
    REPLAYED = auto()
    SILENT = auto()
    ENDLESS = auto()
    ENDLESS_EMPTY = auto()
    HUGE = auto()
    UNHEARD = auto()
    LOST = auto()
    EXCHANGED = auto()
    PLAIN_BYTES = auto()
    PLAIN_STATUS = auto()
    PLAIN_REFUSAL = auto()
    PLAIN_EMPTY = auto()
    PLAIN_ENDLESS = auto()
    PLAIN_HUGE = auto()
    FILE = auto()
    FILE_MISSING = auto()
    QUIRK = auto()


@dataclass(frozen=True, slots=True)
class Lie:
    """`answer` counts the answers of the whole reading; every second lie is told from then on."""

    deed: Deed
    answer: int
    lasting: bool
    change: Change

    def is_told(self, answer: int) -> bool:
        return answer >= self.answer if self.lasting else answer == self.answer


def lies_of(raw: bytes) -> tuple[Lie, ...]:
    """Six bytes a lie: what, when, and how exactly."""
    whole = range(0, min(len(raw), MAX_LIES * RECORD) - RECORD + 1, RECORD)
    return tuple(_lie(raw[at : at + RECORD]) for at in whole)


def _lie(record: bytes) -> Lie:
    what, when, place, value = record[0], record[1], record[2:4], record[4:6]
    change = Change(what // len(Deed), int.from_bytes(place, "big"), int.from_bytes(value, "big"))
    return Lie(Deed(what % len(Deed)), when & 0x7F, bool(when & 0x80), change)


class HostileChip(Chip):
    """Tells the plain lies, and notes what it truly signed."""

    def __init__(
        self, profile: CardProfile, rng: Callable[[int], bytes], plain: Callable[..., ResponseApdu]
    ) -> None:
        self._plain = plain
        self.signed: list[bytes] = []
        super().__init__(profile, rng, lambda _: None)

    def _dispatch(self, apdu: CommandApdu, longest_data: int) -> ResponseApdu:
        response = super()._dispatch(apdu, longest_data)
        if apdu.ins == _INTERNAL_AUTHENTICATE and apdu.data == corpus.CHALLENGE.value:
            self.signed.append(response.data)
        return self._plain(response)


class HostileCard:
    """A contact over which lies are told; it may break off, and come back as another card's."""

    def __init__(self, original: Original, lies: Sequence[Lie]) -> None:
        self._lies = lies
        self._rng = corpus.rng_of(corpus.SEED).randbytes
        self._answers: list[bytes] = []
        self._told = 0  # of the plain answers
        profile = original.card
        for lie in sorted(lies, key=lambda lie: lie.deed is not Deed.QUIRK):  # of a whole card
            profile = _altered(profile, lie)
        self.chips = [HostileChip(profile, self._rng, self._lie_inside)]

    @property
    def atr(self) -> bytes:
        return self.chips[-1].atr

    @property
    def heard(self) -> int:
        """Commands so far."""
        return len(self._answers)

    def transmit(self, command: bytes) -> bytes:
        number = len(self._answers)
        require(number < MAX_COMMANDS, f"a reading goes on after {MAX_COMMANDS} commands")
        told = [lie for lie in self._lies if lie.is_told(number)]
        heard = all(lie.deed is not Deed.UNHEARD for lie in told)
        answer = self.chips[-1].transmit(command) if heard else b"\x6f\x00"
        for lie in told:
            answer = self._lie_outside(lie, answer)
        self._answers.append(answer)
        return answer

    def close(self) -> None:
        """The contact is the test's."""

    def reconnect(self) -> Transport:
        self.chips[-1].reset()
        return self

    def _lie_outside(self, lie: Lie, answer: bytes) -> bytes:
        data, sw = answer[:-2], answer[-2:]
        value = lie.change.value
        match lie.deed:
            case Deed.BYTES:
                return changed(answer, [lie.change])
            case Deed.TRUNCATED:
                return answer[: value % 8]
            case Deed.STATUS:
                return data + _status(value)
            case Deed.REPLAYED if self._answers:
                return self._answers[value % len(self._answers)]
            case Deed.SILENT:
                return sw
            case Deed.ENDLESS:
                return (data or b"\x87" * 16) + b"\x61\xff"
            case Deed.ENDLESS_EMPTY:
                return b"\x61\x10"
            case Deed.HUGE:
                return bytes([value & 0xFF]) * _HUGE + sw
            case Deed.EXCHANGED:
                self._exchange(value)
                return self._lost(value, answer)
            case Deed.LOST:
                return self._lost(value, answer)
        return answer

    def _lost(self, value: int, answer: bytes) -> bytes:
        self._answers.append(answer)
        reason = CardReason.READER_FAILED if value & 1 else CardReason.CARD_REMOVED
        raise ReaderError("the contact is lost", reason)

    def _exchange(self, value: int) -> None:
        """Another genuine card lies on the reader from now on."""
        every = corpus.originals()
        other = every[value // 2 % len(every)].card
        self.chips.append(HostileChip(other, self._rng, self._lie_inside))

    def _lie_inside(self, response: ResponseApdu) -> ResponseApdu:
        number, self._told = self._told, self._told + 1
        for lie in self._lies:
            if lie.is_told(number):
                response = _lied(response, lie)
        return response


def _lied(response: ResponseApdu, lie: Lie) -> ResponseApdu:
    """The plain answer with the lie in it."""
    value = lie.change.value
    match lie.deed:
        case Deed.PLAIN_BYTES:
            return replace(response, data=changed(response.data, [lie.change])[:60_000])
        case Deed.PLAIN_STATUS:
            return replace(response, sw=int.from_bytes(_status(value), "big"))
        case Deed.PLAIN_REFUSAL:
            return ResponseApdu(b"", int.from_bytes(_status(value), "big"))
        case Deed.PLAIN_EMPTY:
            return replace(response, data=b"")
        case Deed.PLAIN_ENDLESS:
            return replace(response, sw=0x6100 | value & 0xFF)
        case Deed.PLAIN_HUGE:
            return replace(response, data=bytes([value & 0xFF]) * (value % 60_000))
    return response


def _status(value: int) -> bytes:
    known = _STATUS_WORDS[value % len(_STATUS_WORDS)]
    return (value if value >= 0xF000 else known).to_bytes(2, "big")


def _altered(profile: CardProfile, lie: Lie) -> CardProfile:
    """The card with a file changed or taken away, or with a quirk."""
    if lie.deed is Deed.QUIRK:
        names = [name for name, known in catalogue.CATALOGUE.items() if not known.needs_recipe]
        return catalogue.profile_with(profile, names[lie.change.value % len(names)])
    if lie.deed not in (Deed.FILE, Deed.FILE_MISSING):
        return profile
    inner = [(True, file_id) for file_id in profile.files]
    every = inner + [(False, file_id) for file_id in profile.master_files]
    if not every:
        return profile
    in_application, chosen = every[lie.answer % len(every)]
    files = dict(profile.files if in_application else profile.master_files)
    content = changed(files[chosen], [lie.change])
    if lie.deed is Deed.FILE_MISSING or not content:
        del files[chosen]
    else:
        files[chosen] = content
    if in_application:
        return replace(profile, files=files)
    return replace(profile, master_files=files)


def _converse(case: bytes) -> None:
    """The first byte chooses the card, the rest the lies."""
    every = corpus.originals()
    original = every[(case[0] if case else 0) % len(every)]
    card = HostileCard(original, lies_of(case[1:]))
    evidence = read_card(
        card,
        original.passwords,
        challenge=corpus.CHALLENGE,
        groups=corpus.GROUPS,
        reconnect=card.reconnect,
        rng=corpus.rng_of(len(case)).randbytes,
        now=lambda: corpus.NOW,
    )
    stored = ChipEvidence.from_bytes(evidence.to_bytes())
    require(stored == evidence, "evidence changes when it is stored")
    signed = [response for chip in card.chips for response in chip.signed]
    check_evidence(evidence, every, signed)


CONVERSATION = Target("conversation", _converse, lambda: [], script=True)
