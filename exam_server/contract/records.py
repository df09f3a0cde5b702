"""Records of an attempt: sealed, chained, authenticated; the same bytes on disk and on the wire.

A record's body is encrypted under the attempt's key. The chain runs over the sealed bytes, so it
can be checked without that key. The MAC, under the lease's key, says which lease wrote it. A head
signed by the station (Ed25519) fixes everything up to it.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exam_server.contract import canonical, patterns
from exam_server.contract.errors import ContractError

RECORD = "truong-thi/record"
AUTHENTICATED = f"{RECORD}/authenticated"
BODY = "truong-thi/record-body"
HEAD = "truong-thi/head"
KEPT_HEAD = "truong-thi/journal/head"
MAC_BYTES = 32
NONCE_BYTES = 12
MAX_RECORD_BYTES = 256 * 1024
#: Numbers of leases and records stay below: what any database keeps as an integer.
MAX_NUMBER = 2**31
MAX_SECTIONS = 50
MAX_PLAYS = 99
#: The last moment that a record may name: the end of the year 9999.
MAX_MOMENT = 253_402_300_800_000


@dataclass(frozen=True, slots=True)
class Answered:
    """The response to one item; `response` is its plain form, None where it was cleared."""

    item: str
    response: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Flagged:
    """The candidate marked an item to look at again, or took the mark away."""

    item: str
    on: bool


@dataclass(frozen=True, slots=True)
class Visited:
    """The item the candidate went to; a restart shows it again."""

    item: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The form was opened on this station."""

    code: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """The candidate handed in, or the time was up (`by` is ``candidate`` or ``time``)."""

    by: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The kiosk began again with this paper, last alive at `since` (as a record's moment).

    `estimated`: the machine itself was off, and until the server is heard again the moments of the
    records that follow go on from there.
    """

    since: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class Left:
    """A section of a sequential paper (from 0) ended at `at` (as a record's moment): the candidate
    left it, or its time was up. It ended then, whenever this is written down."""

    section: int
    at: int
    by: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A sound that may be heard so often was heard, the `play`th time (from 1), up to `at`
    milliseconds of it: written when a play begins, and as it goes on."""

    sound: str
    play: int
    at: int


Body = Answered | Flagged | Visited | Opened | Submitted | Restarted | Left | Heard


def _plain(body: Body) -> list[Any]:
    match body:
        case Answered(item, response):
            return ["answered", item, response]
        case Flagged(item, on):
            return ["flagged", item, on]
        case Visited(item):
            return ["visited", item]
        case Opened(code):
            return ["opened", code]
        case Submitted(by):
            return ["submitted", by]
        case Restarted(since, estimated):
            return ["restarted", since, estimated]
        case Left(section, at, by):
            return ["left", section, at, by]
        case Heard(sound, play, at):
            return ["heard", sound, play, at]


def _body(plain: object) -> Body:
    match plain:
        case ["answered", str(item), (dict() | None) as response]:
            return Answered(item, response)
        case ["flagged", str(item), bool(on)]:
            return Flagged(item, on)
        case ["visited", str(item)]:
            return Visited(item)
        case ["opened", str(code)]:
            return Opened(code)
        case ["submitted", "candidate" | "time" as by]:
            return Submitted(by)
        case ["restarted", int(since), bool(estimated)] if 0 <= since < MAX_MOMENT:
            return Restarted(since, estimated)
        case ["left", int(section), int(at), "candidate" | "time" as by] if (
            0 <= section < MAX_SECTIONS and 0 <= at < MAX_MOMENT
        ):
            return Left(section, at, by)
        case ["heard", str(sound), int(play), int(at)] if (
            0 < play <= MAX_PLAYS and 0 <= at < MAX_NUMBER
        ):
            return Heard(sound, play, at)
    raise ContractError("a record of an unknown kind")


_USUAL = re.compile(
    re.escape(patterns.beginning(AUTHENTICATED, 1, fields=2))
    + patterns.SIZE
    + b"("
    + re.escape(patterns.beginning(RECORD, 1, fields=7))
    + patterns.ID
    + patterns.NUMBER * 2
    + patterns.exactly(32)
    + patterns.NUMBER
    + patterns.exactly(NONCE_BYTES)
    + patterns.SIZE
    + rb"([\x00-\xff]*))"
    + patterns.exactly(MAC_BYTES)
).fullmatch
_BODY_BEGINNING = patterns.beginning(BODY, 1, fields=2)
_MOMENT = re.compile(re.escape(_BODY_BEGINNING) + patterns.LONG_NUMBER).match


@dataclass(frozen=True, slots=True)
class Record:
    """One sealed record; `WritingKeys.seal` and `from_bytes` make it.

    `sealed` are the canonical bytes of all the fields before it: what is chained, stored and
    sent. `mac` covers all of it.
    """

    attempt: str
    epoch: int
    sequence: int
    previous: bytes
    acknowledged: int
    nonce: bytes
    ciphertext: bytes
    sealed: bytes
    mac: bytes

    @property
    def head(self) -> bytes:
        """The chain's value after this record."""
        return hashlib.sha256(self.sealed).digest()

    def to_bytes(self) -> bytes:
        return canonical.encode(AUTHENTICATED, 1, self.sealed, self.mac)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Record":
        """ContractError unless `data` is one whole record. Proves nothing about its MAC."""
        if len(data) > MAX_RECORD_BYTES:
            raise ContractError("a record longer than any record is")
        usual = cls._usual(data)
        if usual is not None:
            return usual
        sealed, mac = canonical.decode(AUTHENTICATED, 1, data, fields=2)
        if not isinstance(sealed, bytes) or not isinstance(mac, bytes) or len(mac) != MAC_BYTES:
            raise ContractError("a record whose fields are of the wrong kind")
        match canonical.decode(RECORD, 1, sealed, fields=7):
            case [
                str(attempt),
                int(epoch),
                int(sequence),
                bytes(previous),
                int(acknowledged),
                bytes(nonce),
                bytes(ciphertext),
            ] if (
                len(previous) == 32
                and 0 < epoch < MAX_NUMBER
                and 0 < sequence < MAX_NUMBER
                and 0 <= acknowledged < MAX_NUMBER
            ):
                fields = (attempt, epoch, sequence, previous, acknowledged, nonce, ciphertext)
                return cls(*fields, sealed, mac)
        raise ContractError("a record whose fields are of the wrong kind")

    @classmethod
    def _usual(cls, data: bytes) -> "Record | None":
        """The record, if `data` is one as stations write them: the same, read more quickly."""
        found = _USUAL(data) if len(data) <= patterns.LONGEST else None
        if found is None:
            return None
        size, sealed, attempt, epoch, sequence, previous, acknowledged, nonce, length, text, mac = (
            found.groups()
        )
        if patterns.size(size) != len(sealed) or patterns.size(length) != len(text):
            return None
        numbers = patterns.number(epoch), patterns.number(sequence)
        if 0 in numbers:
            return None
        known = patterns.number(acknowledged)
        return cls(attempt.decode(), *numbers, previous, known, nonce, text, sealed, mac)

    def check_mac(self, lease_key: bytes) -> None:
        """ContractError unless the holder of `lease_key` wrote this record."""
        if not hmac.compare_digest(mac_of(lease_key, self.sealed), self.mac):
            raise ContractError("the record was not written under this lease")

    def open(self, attempt_key: bytes) -> tuple[Body, int]:
        """The body and its moment, in milliseconds of the server's clock (Unix epoch)."""
        body, at = self.unsealed(attempt_key)
        return read_body(body), at

    def unsealed(self, attempt_key: bytes) -> tuple[bytes, int]:
        """The body's bytes, which `read_body` reads, and its moment."""
        aad = _aad(self.attempt, self.epoch, self.sequence)
        try:
            plain = AESGCM(attempt_key).decrypt(self.nonce, self.ciphertext, aad)
        except (InvalidTag, ValueError) as error:
            raise ContractError("the record does not open under this attempt's key") from error
        moment = _MOMENT(plain)
        at = MAX_MOMENT if moment is None else patterns.number(moment[1])
        if moment is None or at >= MAX_MOMENT:
            raise ContractError("a record without a moment")
        return plain[moment.end() :], at


def read_body(data: bytes) -> Body:
    """The body whose bytes `Record.unsealed` gave; ContractError unless they are canonical."""
    # As it would stand behind the first of all moments.
    _at, body = canonical.decode(BODY, 1, _BODY_BEGINNING + b"\0" + data, fields=2)
    return _body(body)


def mac_of(lease_key: bytes, sealed: bytes) -> bytes:
    """HMAC-SHA256 of what the holder of `lease_key` sealed."""
    # Measured: hmac.digest lets go of the interpreter's lock for each of these few bytes, and gets
    # it back up to 5 ms later where another thread works. A copy of the keyed object keeps it.
    keyed = _keyed(lease_key).copy()
    keyed.update(sealed)
    return keyed.digest()


@lru_cache(maxsize=16_384)
def _keyed(lease_key: bytes) -> hmac.HMAC:
    return hmac.new(lease_key, digestmod="sha256")


def _aad(attempt: str, epoch: int, sequence: int) -> bytes:
    return canonical.encode(f"{BODY}/context", 1, attempt, epoch, sequence)


def genesis(attempt: str) -> bytes:
    """The chain's value before the first record."""
    return hashlib.sha256(canonical.encode("truong-thi/genesis", 1, attempt)).digest()


@dataclass(frozen=True, slots=True)
class WritingKeys:
    """What a lease gives its station: to write (`lease_key`) and to seal (`attempt_key`)."""

    attempt: str
    epoch: int
    lease_key: bytes
    attempt_key: bytes

    def seal(
        self,
        body: Body,
        *,
        sequence: int,
        previous: bytes,
        acknowledged: int,
        at: int,
        rng: Callable[[int], bytes],
    ) -> Record:
        """The next record. `at` is in milliseconds of the server's clock (Unix epoch)."""
        nonce = rng(NONCE_BYTES)
        plain = canonical.encode(BODY, 1, at, _plain(body))
        aad = _aad(self.attempt, self.epoch, sequence)
        ciphertext = AESGCM(self.attempt_key).encrypt(nonce, plain, aad)
        fields = (self.attempt, self.epoch, sequence, previous, acknowledged, nonce, ciphertext)
        sealed = canonical.encode(RECORD, 1, *fields)
        return Record(*fields, sealed, mac_of(self.lease_key, sealed))


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The station's word on the whole chain up to `sequence`."""

    attempt: str
    epoch: int
    sequence: int
    head: bytes
    signature: bytes

    @classmethod
    def sign(
        cls, key: Ed25519PrivateKey, *, attempt: str, epoch: int, sequence: int, head: bytes
    ) -> "SignedHead":
        signed = canonical.encode(HEAD, 1, attempt, epoch, sequence, head)
        return cls(attempt, epoch, sequence, head, key.sign(signed))

    def to_bytes(self) -> bytes:
        """As it is kept; the signature is over other bytes, see `check`."""
        fields = (self.attempt, self.epoch, self.sequence, self.head, self.signature)
        return canonical.encode(KEPT_HEAD, 1, *fields)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SignedHead":
        """ContractError unless `data` is a signed head. Proves nothing about its signature."""
        match canonical.decode(KEPT_HEAD, 1, data, fields=5):
            case [str(attempt), int(epoch), int(sequence), bytes(head), bytes(signature)]:
                return cls(attempt, epoch, sequence, head, signature)
        raise ContractError("a signed head whose fields are of the wrong kind")

    def check(self, key: Ed25519PublicKey) -> None:
        """ContractError unless the station holding `key` signed this head."""
        signed = canonical.encode(HEAD, 1, self.attempt, self.epoch, self.sequence, self.head)
        try:
            key.verify(self.signature, signed)
        except InvalidSignature as error:
            raise ContractError("the head is not signed by this station") from error
