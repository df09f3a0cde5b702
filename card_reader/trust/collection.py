"""The trust of an examination authority as one signed, versioned file.

A collection says which issuers (CSCA) are anchors, which document signers officers pin, which
links and revocation lists go with them, who added each and why.  Every version is exact bytes
(deterministic CBOR with a domain tag), names the hash of the version before it, and counts only
under the Ed25519 signatures of two different officers over those bytes.  So nobody alone adds an
issuer, and nobody brings an older state back.

The way of a change: :func:`propose` by one officer, :func:`countersign` by another,
:func:`apply_change` where the current version is known, :func:`load` ever after.  All are pure;
who is an officer, the clock and the place of the file are the caller's.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from card_reader.errors import CardError, CardReason
from card_reader.trust.certificates import parse_certificate
from card_reader.trust.crl import parse_crl
from card_reader.trust.store import Realm, TrustStore

DOMAIN = "truong-thi/trust-collection"
SIGNED_DOMAIN = "truong-thi/trust-collection-signed"
SCHEMA = 1
SIGNATURES_NEEDED = 2
MAX_BYTES = 32 * 1024 * 1024
MAX_ENTRIES = 5_000
MAX_SIGNATURES = 8
MAX_TEXT = 500
_MAX_DEPTH = 6

Sign = Callable[[bytes], bytes]  # Ed25519 over the bytes given; the key stays with the officer
OfficerKeys = Mapping[str, bytes]  # 32-byte Ed25519 public keys by the officer's name


class TrustChangeRefusedError(CardError):
    """A trust collection or a change of one that must not be used."""

    reason = CardReason.UNREADABLE_INPUT

    @property
    def remedy(self) -> str:
        return "Have two officers sign a change of the version that is in force."


class EntryKind(StrEnum):
    """What an entry is for."""

    ANCHOR = "anchor"  # an issuer (CSCA) that is trusted for itself
    PINNED = "pinned"  # a document signer that officers vouch for
    LINK = "link"  # an issuer that counts only as far as an anchor vouches for it
    CRL = "crl"  # a revocation list


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate or CRL in DER, with the officer who added it, his reason and the moment."""

    kind: EntryKind
    content: bytes
    added_by: str
    reason: str
    added_at: datetime

    @property
    def sha256(self) -> str:
        """Fingerprint of the content in lower-case hex."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """What an officer wants: contents to ``add`` by kind, fingerprints to ``remove``, and why."""

    reason: str
    add: tuple[tuple[EntryKind, bytes], ...] = ()
    remove: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TrustCollection:
    """One version.  ``previous`` is the digest of the version before it, None for the first."""

    version: int
    realm: Realm
    previous: bytes | None
    proposed_by: str
    reason: str
    made_at: datetime
    entries: tuple[Entry, ...]

    def to_bytes(self) -> bytes:
        """The exact bytes that are signed."""
        rows = [
            [item.kind.value, item.content, item.added_by, item.reason, _seconds(item.added_at)]
            for item in self.entries
        ]
        head = [DOMAIN, SCHEMA, self.version, self.realm.value, self.previous]
        change = [self.proposed_by, self.reason, _seconds(self.made_at)]
        return cbor2.dumps([*head, *change, rows], canonical=True)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of :meth:`to_bytes`: what the next version names as its previous one."""
        return hashlib.sha256(self.to_bytes()).digest()

    def store(self) -> TrustStore:
        """The trust store of this version."""
        by_kind = {
            kind: [item.content for item in self.entries if item.kind is kind] for kind in EntryKind
        }
        return TrustStore(
            [parse_certificate(raw) for raw in by_kind[EntryKind.ANCHOR]],
            crls=[parse_crl(raw) for raw in by_kind[EntryKind.CRL]],
            pinned=[parse_certificate(raw) for raw in by_kind[EntryKind.PINNED]],
            links=[parse_certificate(raw) for raw in by_kind[EntryKind.LINK]],
            realm=self.realm,
        )


@dataclass(frozen=True, slots=True)
class SignedCollection:
    """The bytes of a collection and the officers' signatures over them, by officer.

    ``collection`` is what the bytes say; nothing about it is proven before :func:`apply_change`
    or :func:`load`.
    """

    collection: TrustCollection
    signatures: Mapping[str, bytes]

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        rows = sorted([officer, value] for officer, value in self.signatures.items())
        body = [SIGNED_DOMAIN, SCHEMA, self.collection.to_bytes(), rows]
        return cbor2.dumps(body, canonical=True)

    @classmethod
    def from_bytes(cls, raw: bytes) -> "SignedCollection":
        """Parse a file, or raise TrustChangeRefusedError; no signature is checked."""
        body, rows = _fields(raw, SIGNED_DOMAIN, 2)
        if not isinstance(body, bytes) or not isinstance(rows, list) or len(rows) > MAX_SIGNATURES:
            raise TrustChangeRefusedError("the signed trust collection has an unknown form")
        try:
            signatures = {_text(officer): _raw(value) for officer, value in rows}
        except (ValueError, TypeError) as error:
            raise TrustChangeRefusedError("a signature has an unknown form") from error
        signed = cls(_collection(body), signatures)
        if signed.to_bytes() != raw:
            raise TrustChangeRefusedError("the signed trust collection is not in canonical form")
        return signed


def propose(
    current: TrustCollection | None,
    change: Change,
    *,
    realm: Realm,
    officer: str,
    sign: Sign,
    now: datetime,
) -> SignedCollection:
    """The version after ``current`` with ``change`` made, under the first officer's signature."""
    if not change.reason.strip():
        raise TrustChangeRefusedError("the change gives no reason")
    if not change.reason.isprintable():
        raise TrustChangeRefusedError("the reason is more than one line, or holds what is no text")
    now = now.replace(microsecond=0)
    entries = current.entries if current else ()
    known = {item.sha256 for item in entries}
    if not change.remove <= known:
        raise TrustChangeRefusedError("the change removes what is not in the collection")
    added = [Entry(kind, raw, officer, change.reason, now) for kind, raw in change.add]
    if not (added or change.remove) or known & {item.sha256 for item in added}:
        raise TrustChangeRefusedError("the change is empty or adds what is in the collection")
    kept = [item for item in entries if item.sha256 not in change.remove]
    proposed = TrustCollection(
        current.version + 1 if current else 1,
        realm,
        current.digest if current else None,
        officer,
        change.reason,
        now,
        tuple(sorted([*kept, *added], key=lambda item: (item.kind, item.sha256))),
    )
    _check_entries(proposed)
    _check_follows(current, proposed)
    return SignedCollection(proposed, {officer: sign(proposed.to_bytes())})


def countersign(
    current: TrustCollection | None,
    proposal: SignedCollection,
    *,
    officer: str,
    sign: Sign,
    officers: OfficerKeys,
) -> SignedCollection:
    """The proposal with a second officer's signature; he sees what ``proposal`` changes first."""
    collection = proposal.collection
    _check_entries(collection)
    _check_follows(current, collection)
    if collection.proposed_by not in _valid_signers(proposal, officers):
        raise TrustChangeRefusedError("the officer who proposed the change did not sign it")
    signatures = {**proposal.signatures, officer: sign(collection.to_bytes())}
    signed = replace(proposal, signatures=signatures)
    _check_signatures(signed, officers)
    return signed


def apply_change(
    current: TrustCollection | None, signed: SignedCollection, *, officers: OfficerKeys
) -> TrustCollection:
    """The version that is in force from now on: it follows ``current`` and two officers signed it.

    Raises TrustChangeRefusedError otherwise, also for a change that was made to another version
    or that is older (roll-back).
    """
    _check_signatures(signed, officers)
    _check_entries(signed.collection)
    _check_follows(current, signed.collection)
    return signed.collection


def load(
    raw: bytes, *, officers: OfficerKeys, realm: Realm, seen: tuple[int, bytes] | None
) -> TrustCollection:
    """The collection of a stored file.

    ``seen`` is the newest version number and digest that the caller has ever known (kept apart
    from the file), None at the very first time: an older version, or another one of the same
    number, is refused.  Raises TrustChangeRefusedError.
    """
    signed = SignedCollection.from_bytes(raw)
    _check_signatures(signed, officers)
    collection = signed.collection
    if collection.realm is not realm:
        raise TrustChangeRefusedError(f"the collection is of the realm {collection.realm.value}")
    _check_entries(collection)
    if seen is not None and collection.version < seen[0]:
        raise TrustChangeRefusedError(
            f"version {collection.version} is older than {seen[0]}, which was in force before"
        )
    if seen is not None and collection.version == seen[0] and collection.digest != seen[1]:
        raise TrustChangeRefusedError(f"another version {collection.version} was in force before")
    return collection


# --- checks -------------------------------------------------------------------------------------


def _check_follows(current: TrustCollection | None, following: TrustCollection) -> None:
    version, digest = (current.version, current.digest) if current else (0, None)
    if following.version != version + 1 or following.previous != digest:
        raise TrustChangeRefusedError(
            f"version {following.version} does not follow version {version}, which is in force"
        )
    if current is not None and following.realm is not current.realm:
        raise TrustChangeRefusedError("a collection never changes its realm")
    kept = set(current.entries) if current else set()
    for entry in set(following.entries) - kept:
        if (entry.added_by, entry.reason) != (following.proposed_by, following.reason):
            raise TrustChangeRefusedError("an entry is new but names another officer or reason")


def _check_signatures(signed: SignedCollection, officers: OfficerKeys) -> None:
    """Two persons: two names with two keys."""
    valid = _valid_signers(signed, officers)
    keys = {officers[officer] for officer in valid}
    if len(keys) < SIGNATURES_NEEDED or set(valid) != set(signed.signatures):
        raise TrustChangeRefusedError(
            f"{len(keys)} officers signed the collection, {SIGNATURES_NEEDED} must"
            if set(valid) == set(signed.signatures)
            else "a signature of the collection is no officer's or does not verify"
        )


def _valid_signers(signed: SignedCollection, officers: OfficerKeys) -> list[str]:
    body = signed.collection.to_bytes()
    return [
        officer
        for officer, value in signed.signatures.items()
        if officer in officers and _verifies(officers[officer], body, value)
    ]


def _verifies(key: bytes, body: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, body)
    except (InvalidSignature, ValueError):
        return False
    return True


def _check_entries(collection: TrustCollection) -> None:
    """Every entry can be used for what it is there for, and no one stands twice."""
    entries = collection.entries
    if len(entries) > MAX_ENTRIES or len({item.sha256 for item in entries}) != len(entries):
        raise TrustChangeRefusedError("the collection holds an entry twice, or too many")
    for entry in entries:
        _check_entry(entry)
    try:
        collection.store()  # refuses test issuers in the realm live
    except CardError as error:
        raise TrustChangeRefusedError(error.detail) from error


def _check_entry(entry: Entry) -> None:
    try:
        if entry.kind is EntryKind.CRL:
            parse_crl(entry.content)
            return
        certificate = parse_certificate(entry.content)
        fits = certificate.is_ca is (entry.kind is not EntryKind.PINNED)
        certificate.public_key  # noqa: B018 - a key that cannot be used vouches for nobody
    except CardError as error:
        raise TrustChangeRefusedError(f"entry {entry.sha256}: {error.detail}") from error
    if not fits:
        raise TrustChangeRefusedError(f"entry {entry.sha256} cannot be of kind {entry.kind.value}")


# --- bytes --------------------------------------------------------------------------------------


def _fields(raw: bytes, domain: str, count: int) -> list[Any]:
    if len(raw) > MAX_BYTES:
        raise TrustChangeRefusedError(f"a trust collection of {len(raw)} bytes")
    try:
        value = cbor2.loads(
            raw, allow_indefinite=False, allow_duplicate_keys=False, max_depth=_MAX_DEPTH
        )
    except (cbor2.CBORError, ValueError, OverflowError) as error:
        raise TrustChangeRefusedError("the trust collection is no CBOR") from error
    if not isinstance(value, list) or value[:2] != [domain, SCHEMA] or len(value) != count + 2:
        raise TrustChangeRefusedError("no trust collection of a version known here")
    return value[2:]


def _collection(body: bytes) -> TrustCollection:
    version, realm, previous, officer, reason, made_at, rows = _fields(body, DOMAIN, 7)
    try:
        if type(version) is not int or version < 1 or not isinstance(rows, list):
            raise ValueError("version or entries")
        collection = TrustCollection(
            version,
            Realm(realm),
            None if previous is None else _raw(previous),
            _text(officer),
            _text(reason),
            _moment(made_at),
            tuple(
                Entry(EntryKind(kind), _raw(content), _text(by), _text(why), _moment(at))
                for kind, content, by, why, at in rows
            ),
        )
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise TrustChangeRefusedError("the trust collection has an unknown form") from error
    if collection.to_bytes() != body:
        raise TrustChangeRefusedError("the trust collection is not in canonical form")
    return collection


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.isprintable():
        raise ValueError("text")  # what two officers read must not steer their screens
    return value


def _raw(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("bytes")
    return value


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(value: object) -> datetime:
    if type(value) is not int:
        raise TypeError("moment")
    return datetime.fromtimestamp(value, UTC)
