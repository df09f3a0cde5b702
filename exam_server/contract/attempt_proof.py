"""Whether an exported attempt is what the server exported, part by part, without any server.

The server's public key proves the manifest, the manifest every part. Beside it the parts prove
each other: the chain of the records, the stations' signatures over it, the receipt. So a server
that signed nonsense is found out too, and damage has a name even where the manifest is lost.

What cannot be proven here: that a record's MAC holds under its lease's key, which only server and
station have. That is the server's word, by its signature.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from exam_server.contract.attempt_export import (
    FRAMING,
    MAGIC,
    AttemptKey,
    Facts,
    Kind,
    Listed,
    Manifest,
    OfficersWord,
    Part,
    SignedManifest,
    digest_of,
    part_of,
)
from exam_server.contract.attempt_sense import contradictions
from exam_server.contract.entries import Entry
from exam_server.contract.errors import ContractError


class Flaw(StrEnum):
    """What is wrong with a part. A closed list."""

    explanation: str

    def __new__(cls, code: str, explanation: str) -> "Flaw":
        flaw = str.__new__(cls, code)
        flaw._value_ = code
        flaw.explanation = explanation
        return flaw

    CHANGED = "changed", "It is not the part that the server signed."
    MISSING = "missing", "The server signed it, and it is not in the file."
    OUT_OF_PLACE = "out_of_place", "It is whole, but not where it was."
    TWICE = "twice", "It is in the file more than once."
    FOREIGN = "foreign", "Bytes that belong to no part of this attempt."
    NOT_SIGNED = "not_signed", "The signature is not that of the server asked for."
    CONTRADICTS = "contradicts", "It does not agree with the other parts; the detail says how."


@dataclass(frozen=True, slots=True)
class Fault:
    """`part` is named as in the manifest, e.g. ``record 17``."""

    part: str
    flaw: Flaw
    detail: str = ""

    def __str__(self) -> str:
        words = self.flaw.value.replace("_", " ")
        return f"{self.part}: {words}{f' ({self.detail})' if self.detail else ''}"


@dataclass(frozen=True, slots=True)
class Proof:
    """`faults` is empty where every bit is as the server signed it and all parts agree."""

    faults: tuple[Fault, ...]
    facts: Facts | None = None
    counts: dict[str, int] = field(default_factory=dict)
    opened: bool = False

    @property
    def holds(self) -> bool:
        return not self.faults


def prove(data: bytes, server: Ed25519PublicKey) -> Proof:
    """What is wrong with the file, each thing with the name of its part."""
    entries, strays = _inventory(data)
    manifest, faults = _manifest(entries, server)
    if not data.startswith(MAGIC):
        faults.append(Fault("first bytes", Flaw.CHANGED))
    if manifest is not None:
        faults += _compared(manifest, [e for e in entries if e.kind != Kind.MANIFEST], strays)
    parts = list(_parts(entries))
    if manifest is None or not faults:
        faults += [
            Fault(one.part, Flaw.CONTRADICTS, one.why) for one in contradictions(parts, server)
        ]
    return Proof(
        faults=tuple(faults),
        facts=next((part for part in parts if isinstance(part, Facts)), None),
        counts=_counts(parts),
        opened=any(isinstance(part, AttemptKey) for part in parts),
    )


@dataclass(frozen=True, slots=True)
class _Stray:
    """Bytes that are no whole entry."""

    start: int
    end: int


def _inventory(data: bytes) -> tuple[list[Entry], list[_Stray]]:
    """Every whole entry, and what lies between them."""
    entries: list[Entry] = []
    strays: list[_Stray] = []
    at = len(MAGIC)
    while at < len(data):
        found = FRAMING.entry_at(data, at) or FRAMING.first_entry(data, at)
        start = found.start if found is not None else len(data)
        if start > at:
            strays.append(_Stray(at, start))
        if found is None:
            break
        entries.append(found)
        at = found.end
    return entries, strays


def _manifest(
    entries: Sequence[Entry], server: Ed25519PublicKey
) -> tuple[Manifest | None, list[Fault]]:
    """The manifest that everything is compared with, None where there is none to be believed."""
    held = [one for one in entries if one.kind == Kind.MANIFEST]
    if not held:
        return None, [Fault("manifest", Flaw.MISSING, "or changed")]
    faults = [Fault("manifest", Flaw.TWICE)] if len(held) > 1 else []
    if entries[0].kind != Kind.MANIFEST:
        faults.append(Fault("manifest", Flaw.OUT_OF_PLACE))
    try:
        signed = SignedManifest.from_bytes(held[0].content)
        manifest = Manifest.from_bytes(signed.manifest)
    except ContractError as error:
        return None, [*faults, Fault("manifest", Flaw.CHANGED, str(error))]
    try:
        signed.check(server)
    except ContractError as error:
        return None, [*faults, Fault("manifest", Flaw.NOT_SIGNED, str(error))]
    return manifest, faults


def _compared(manifest: Manifest, entries: list[Entry], strays: list[_Stray]) -> list[Fault]:
    """What differs between the file and its manifest, in the file's order."""
    places = {(part.kind, part.digest): place for place, part in enumerate(manifest.parts)}
    found: dict[int, Entry] = {}
    faults: list[Fault] = []
    foreign: list[_Stray] = []
    for one in entries:
        place = places.get((Kind(one.kind), digest_of(one.content)))
        if place is None:
            foreign.append(_Stray(one.start, one.end))
        elif place in found:
            faults.append(Fault(manifest.parts[place].name, Flaw.TWICE))
        else:
            found[place] = one
    moved = set(found) - set(_longest_rising(list(found)))
    faults += [Fault(manifest.parts[place].name, Flaw.OUT_OF_PLACE) for place in sorted(moved)]
    unknown = sorted([*strays, *foreign], key=lambda stray: stray.start)
    return [*faults, *_accounted(manifest.parts, found, moved, unknown)]


def _accounted(
    parts: Sequence[Listed], found: dict[int, Entry], moved: set[int], unknown: Sequence[_Stray]
) -> Iterator[Fault]:
    """Which parts are missing or changed. Unknown bytes where a part should be are that part,
    changed; those where none is missing belong to nobody."""
    left = deque(unknown)
    for lacking, before in _gaps(parts, found, moved):
        here: list[_Stray] = []
        while left and (before is None or left[0].start < before):
            here.append(left.popleft())
        for part, stray in zip_longest(lacking, here):
            if part is None:
                where = f"bytes {stray.start} to {stray.end}"
                yield Fault(where, Flaw.FOREIGN, "no part of this attempt")
            else:
                yield Fault(part.name, Flaw.MISSING if stray is None else Flaw.CHANGED)


def _gaps(
    parts: Sequence[Listed], found: dict[int, Entry], moved: set[int]
) -> Iterator[tuple[list[Listed], int | None]]:
    """The parts lacking before each part that is in its place, and where in the file that one
    begins; last those behind all of them, with None."""
    lacking: list[Listed] = []
    for place, part in enumerate(parts):
        if place not in found:
            lacking.append(part)
        elif place not in moved:
            yield lacking, found[place].start
            lacking = []
    yield lacking, None


def _longest_rising(numbers: Sequence[int]) -> list[int]:
    """A longest rising subsequence: whatever is not in it is out of its place."""
    lowest: list[int] = []  # with which number a run of each length can end at the lowest
    ends: list[int] = []  # and its place
    before: list[int | None] = []
    for place, number in enumerate(numbers):
        length = bisect_left(lowest, number)
        before.append(ends[length - 1] if length else None)
        lowest[length : length + 1] = [number]
        ends[length : length + 1] = [place]
    rising: list[int] = []
    at = ends[-1] if ends else None
    while at is not None:
        rising.append(numbers[at])
        at = before[at]
    return rising[::-1]


def _parts(entries: Sequence[Entry]) -> Iterator[Part]:
    """The parts that can be read; what cannot is told of by the comparison."""
    for one in entries:
        if one.kind == Kind.MANIFEST:
            continue
        try:
            yield part_of(one.kind, one.content)
        except ContractError:
            continue


def _counts(parts: Sequence[Part]) -> dict[str, int]:
    return {
        kind.name.lower(): sum(part.kind is kind for part in parts)
        for kind in (Kind.LEASE, Kind.RECORD, Kind.HEAD, Kind.LEDGER, Kind.CONFLICT, Kind.EVIDENCE)
    } | {"adopted": sum(isinstance(part, OfficersWord) and part.adopted for part in parts)}
