"""An attempt's whole record in one file that proves itself without the server.

    magic, manifest (every part's name and SHA-256, signed by the server), then the parts, each an
    entry of `contract.entries`

The parts lie in a fixed order: facts, leases, records, signed heads, ledger, receipt, conflicts,
leases that lie aside, evidence, officers' words on it, and the attempt's key where it was asked
for. What counts is, for each item, the last answer among the records and the evidence adopted
(`contract.answers`). `contract.attempt_proof` checks such a file. No name and
no date of birth is in it; without the key no answer can be read from it either.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exam_server.contract import canonical
from exam_server.contract.entries import Framing, entry
from exam_server.contract.errors import ContractError

MAGIC = b"TTATTEMPT1\n"
DOMAIN = "truong-thi/attempt-export"


class Kind(IntEnum):
    """What an entry of the file is."""

    MANIFEST = 1
    FACTS = 2
    LEASE = 3
    RECORD = 4
    HEAD = 5
    LEDGER = 6
    RECEIPT = 7
    EVIDENCE = 8
    KEY = 9
    CONFLICT = 10
    RIVAL_LEASE = 11
    WORD = 12


FRAMING = Framing(kinds=max(Kind))


class _Part(ABC):
    """A part is its dataclass's fields, in order, as canonical bytes. Moments are kept in UTC."""

    kind: ClassVar[Kind]

    @property
    @abstractmethod
    def name(self) -> str:
        """How findings call it."""

    # Every part is a dataclass, which a type checker cannot know of this base.
    def to_bytes(self) -> bytes:
        values = (getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]  # each kind is one
        return canonical.encode(_domain(self.kind), 1, *map(_plain, values))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """ContractError unless `data` are the bytes of such a part."""
        own = fields(cls)  # type: ignore[arg-type]  # each kind is one
        plain = canonical.decode(_domain(cls.kind), 1, data, fields=len(own))
        made = zip(own, plain, strict=True)
        return cls(**{field.name: _READ[field.type](value) for field, value in made})


def _domain(kind: Kind) -> str:
    return f"{DOMAIN}/{kind.name.lower()}"


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return value


@dataclass(frozen=True, slots=True)
class Facts(_Part):
    """What the server says of the attempt; `sequence` and `head` fix every record."""

    kind = Kind.FACTS

    attempt: str
    realm: str
    exam: str
    paper: str
    code: str
    registration_number: str
    shift: str
    state: str
    allowance_seconds: int
    sequence: int
    head: bytes
    admitted_at: datetime
    submitted_at: datetime | None
    arrived_late: bool
    exported_at: datetime

    @property
    def name(self) -> str:
        return "facts"


@dataclass(frozen=True, slots=True)
class LeaseFact(_Part):
    """Which station had the right to write, and the public key that its heads are signed with."""

    kind = Kind.LEASE

    epoch: int
    station: str
    signing_key: bytes
    granted_at: datetime

    @property
    def name(self) -> str:
        return f"lease {self.epoch}"


@dataclass(frozen=True, slots=True)
class KeptRecord(_Part):
    """A record as it came. That its MAC holds under its lease's key is the server's word."""

    kind = Kind.RECORD

    sequence: int
    data: bytes
    received_at: datetime

    @property
    def name(self) -> str:
        return f"record {self.sequence}"


@dataclass(frozen=True, slots=True)
class KeptHead(_Part):
    """A station's signature (Ed25519) over the chain up to `sequence`."""

    kind = Kind.HEAD

    epoch: int
    sequence: int
    head: bytes
    signature: bytes
    received_at: datetime

    @property
    def name(self) -> str:
        return f"signed head {self.epoch}/{self.sequence}"


@dataclass(frozen=True, slots=True)
class LedgerFact(_Part):
    """What moved the attempt's time."""

    kind = Kind.LEDGER

    position: int
    entry: str
    at: datetime
    seconds: int

    @property
    def name(self) -> str:
        return f"ledger entry {self.position}"


@dataclass(frozen=True, slots=True)
class KeptReceipt(_Part):
    """The receipt as the candidate was given it."""

    kind = Kind.RECEIPT

    body: bytes
    signature: bytes

    @property
    def name(self) -> str:
        return "receipt"


@dataclass(frozen=True, slots=True)
class KeptEvidence(_Part):
    """A genuine record that does not count by itself, and why; `number` counts from 1."""

    kind = Kind.EVIDENCE

    number: int
    data: bytes
    station: str
    reason: str
    received_at: datetime

    @property
    def name(self) -> str:
        return f"evidence {self.number}"


@dataclass(frozen=True, slots=True)
class ConflictFact(_Part):
    """Two journals behind one record, `fork_sequence`; `counts` says whose is among the records.
    Nobody has settled it where `settled_at` is None."""

    kind = Kind.CONFLICT

    number: int
    fork_sequence: int
    fork_head: bytes
    claimant: str
    counts: str
    claimed_at: datetime
    settled_at: datetime | None

    @property
    def name(self) -> str:
        return f"conflict {self.number}"


@dataclass(frozen=True, slots=True)
class RivalLeaseFact(_Part):
    """A lease of the side of a conflict that lies aside; its records are among the evidence."""

    kind = Kind.RIVAL_LEASE

    conflict: int
    epoch: int
    station: str
    granted_at: datetime

    @property
    def name(self) -> str:
        return f"rival lease {self.conflict}/{self.epoch}"


@dataclass(frozen=True, slots=True)
class OfficersWord(_Part):
    """What the exam office decided of the answer in the evidence of that number."""

    kind = Kind.WORD

    evidence: int
    adopted: bool
    decided_at: datetime

    @property
    def name(self) -> str:
        return f"word on evidence {self.evidence}"


@dataclass(frozen=True, slots=True)
class AttemptKey(_Part):
    """What opens the records. Whoever has it reads every answer."""

    kind = Kind.KEY

    key: bytes

    @property
    def name(self) -> str:
        return "key"


Part = (
    Facts
    | LeaseFact
    | KeptRecord
    | KeptHead
    | LedgerFact
    | KeptReceipt
    | ConflictFact
    | RivalLeaseFact
    | KeptEvidence
    | OfficersWord
    | AttemptKey
)

PARTS: dict[Kind, type[Part]] = {
    part.kind: part
    for part in (
        Facts,
        LeaseFact,
        KeptRecord,
        KeptHead,
        LedgerFact,
        KeptReceipt,
        ConflictFact,
        RivalLeaseFact,
        KeptEvidence,
        OfficersWord,
        AttemptKey,
    )
}


def _exactly(kind: type) -> Callable[[object], Any]:
    def read(value: object) -> Any:
        if type(value) is not kind:
            raise ContractError("a part whose fields are of the wrong kind")
        return value

    return read


def _moment(value: object) -> datetime:
    try:
        return datetime.fromtimestamp(_exactly(int)(value) / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ContractError("a part whose moment is no moment") from error


#: A field's type → how its plain form is read.
_READ: dict[object, Callable[[object], Any]] = {
    str: _exactly(str),
    int: _exactly(int),
    bytes: _exactly(bytes),
    bool: _exactly(bool),
    datetime: _moment,
    datetime | None: lambda value: None if value is None else _moment(value),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A part as the manifest has it."""

    kind: Kind
    name: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every part of the file in its order. The server signs it, and so all of them."""

    attempt: str
    parts: tuple[Listed, ...]

    def to_bytes(self) -> bytes:
        listed = [[part.kind.value, part.name, part.digest] for part in self.parts]
        return canonical.encode(_domain(Kind.MANIFEST), 1, self.attempt, listed)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """ContractError unless `data` is a manifest."""
        match canonical.decode(_domain(Kind.MANIFEST), 1, data, fields=2):
            case [str(attempt), list(listed)]:
                return cls(attempt, tuple(map(_listed, listed)))
        raise ContractError("a manifest whose fields are of the wrong kind")


def _listed(plain: object) -> Listed:
    match plain:
        case [int(kind), str(name), bytes(digest)] if kind in list(Kind):
            return Listed(Kind(kind), name, digest)
    raise ContractError("a manifest that lists no part")


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """The manifest with the server's signature (Ed25519) over its bytes."""

    manifest: bytes
    signature: bytes

    @classmethod
    def sign(cls, manifest: Manifest, key: Ed25519PrivateKey) -> "SignedManifest":
        data = manifest.to_bytes()
        return cls(data, key.sign(data))

    def to_bytes(self) -> bytes:
        return canonical.encode(f"{DOMAIN}/signed", 1, self.manifest, self.signature)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SignedManifest":
        """ContractError unless `data` is a signed manifest. Proves nothing about its signature."""
        match canonical.decode(f"{DOMAIN}/signed", 1, data, fields=2):
            case [bytes(manifest), bytes(signature)]:
                return cls(manifest, signature)
        raise ContractError("a signed manifest whose fields are of the wrong kind")

    def check(self, key: Ed25519PublicKey) -> None:
        """ContractError unless the server holding `key` signed it."""
        try:
            key.verify(self.signature, self.manifest)
        except InvalidSignature as error:
            raise ContractError("not signed by this server") from error


@dataclass(frozen=True, slots=True)
class AttemptExport:
    """Everything that the server holds of one attempt."""

    facts: Facts
    leases: tuple[LeaseFact, ...]
    records: tuple[KeptRecord, ...]
    heads: tuple[KeptHead, ...]
    ledger: tuple[LedgerFact, ...]
    receipt: KeptReceipt | None = None
    conflicts: tuple[ConflictFact, ...] = ()
    rival_leases: tuple[RivalLeaseFact, ...] = ()
    evidence: tuple[KeptEvidence, ...] = ()
    words: tuple[OfficersWord, ...] = ()
    key: AttemptKey | None = None

    def parts(self) -> Iterator[Part]:
        """In the file's order."""
        yield self.facts
        yield from self.leases
        yield from self.records
        yield from self.heads
        yield from self.ledger
        if self.receipt is not None:
            yield self.receipt
        yield from self.conflicts
        yield from self.rival_leases
        yield from self.evidence
        yield from self.words
        if self.key is not None:
            yield self.key

    def to_bytes(self, key: Ed25519PrivateKey) -> bytes:
        """The file, signed with the server's key."""
        return file_of(self.facts.attempt, list(self.parts()), key)


def file_of(attempt: str, parts: list[Part], key: Ed25519PrivateKey) -> bytes:
    """The file of any parts in any order; whether they make sense is for a proof to say."""
    contents = [(part, part.to_bytes()) for part in parts]
    listed = tuple(Listed(part.kind, part.name, digest_of(data)) for part, data in contents)
    signed = SignedManifest.sign(Manifest(attempt, listed), key)
    first = MAGIC + entry(Kind.MANIFEST, signed.to_bytes())
    return first + b"".join(entry(part.kind, data) for part, data in contents)


def digest_of(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def part_of(kind: int, content: bytes) -> Part:
    """The part in an entry; ContractError where it is none."""
    try:
        return PARTS[Kind(kind)].from_bytes(content)
    except (ValueError, KeyError) as error:
        raise ContractError("an entry that is no part") from error
