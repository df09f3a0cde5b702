"""The officers whose signatures change the trust: their keys, and the list of who they are.

The list is founded once, on the server's own machine. From then on it changes like the trust
itself: by a document that names the list before it and carries the signatures of two of its
officers.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from card_reader.trust.collection import MAX_TEXT, SIGNATURES_NEEDED
from card_reader.trust.store import Realm
from exam_server import durable, keys
from exam_server.contract import canonical
from exam_server.contract.errors import ContractError
from exam_server.errors import InputError

KEY_DOMAIN = "truong-thi/trust-officer-key"
DOMAIN = "truong-thi/trust-officers"
SIGNED_DOMAIN = "truong-thi/trust-officers-signed"
SCHEMA = 1
KEY_BYTES = 32
MAX_OFFICERS = 50
MAX_NAME = 80


# --- keys ---------------------------------------------------------------------------------------


def make_key(
    path: Path, passphrase: str, *, rng: Callable[[int], bytes] = os.urandom
) -> Ed25519PrivateKey:
    """A new officer's key in the file `path`, which only `passphrase` opens."""
    if path.exists():
        raise InputError(f"{path} exists; choose another name for the key file")
    private = rng(KEY_BYTES)
    body = canonical.encode(KEY_DOMAIN, SCHEMA, private)
    durable.write_file(path, keys.lock(body, passphrase))
    return Ed25519PrivateKey.from_private_bytes(private)


def open_key(path: Path, passphrase: str) -> Ed25519PrivateKey:
    """The officer's key in `path`; InputError where it cannot be had."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    try:
        (private,) = canonical.decode(KEY_DOMAIN, SCHEMA, keys.unlock(data, passphrase), fields=1)
        return Ed25519PrivateKey.from_private_bytes(private)
    except (ContractError, ValueError, TypeError) as error:
        raise InputError(f"{path} is no officer's key; give the file of the officer") from error


def fingerprint(public_key: bytes) -> str:
    """SHA-256 of a public key, in groups of four to be read aloud."""
    digest = hashlib.sha256(public_key).hexdigest()
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))


def named_key(text: str) -> tuple[str, bytes]:
    """NAME=PUBKEY, the key as 64 hexadecimal digits."""
    name, _, key = text.rpartition("=")
    try:
        public_key = bytes.fromhex(key)
    except ValueError:
        public_key = b""
    if not name.strip() or len(public_key) != KEY_BYTES:
        raise InputError(f"{text!r} is no officer; write NAME=PUBKEY as trust officer printed it")
    return name.strip(), public_key


# --- the list -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfficerList:
    """Who may sign. `officers` are Ed25519 public keys by name; `previous` is the digest before.

    The list that was founded has number 1, no `previous`, and was proposed by nobody ("").
    """

    number: int
    realm: Realm
    previous: bytes | None
    officers: Mapping[str, bytes]
    proposed_by: str
    reason: str
    made_at: datetime

    def to_bytes(self) -> bytes:
        """The exact bytes that are signed."""
        rows = sorted([name, key] for name, key in self.officers.items())
        made = round(self.made_at.timestamp())
        head = (self.number, self.realm.value, self.previous)
        return canonical.encode(DOMAIN, SCHEMA, *head, rows, self.proposed_by, self.reason, made)

    @classmethod
    def from_bytes(cls, data: bytes) -> "OfficerList":
        """InputError where the bytes are no list that could ever be in force."""
        try:
            number, realm, previous, rows, by, reason, made = canonical.decode(
                DOMAIN, SCHEMA, data, fields=7
            )
            listed = cls(
                _typed(number, int),
                Realm(realm),
                None if previous is None else _typed(previous, bytes),
                {_typed(name, str): _typed(key, bytes) for name, key in rows},
                _typed(by, str),
                _typed(reason, str),
                datetime.fromtimestamp(_typed(made, int), UTC),
            )
        except (ContractError, ValueError, TypeError, OverflowError, OSError) as error:
            raise InputError(
                "the list of officers is damaged; use the file as it was made"
            ) from error
        listed.check()
        return listed

    @cached_property
    def digest(self) -> bytes:
        return hashlib.sha256(self.to_bytes()).digest()

    def check(self) -> None:
        """Two persons at least: different names with different keys."""
        names = [name.strip().casefold() for name in self.officers]
        if len(names) < SIGNATURES_NEEDED:
            raise InputError("trust needs two officers at least; name another one")
        if len(names) > MAX_OFFICERS:
            raise InputError(f"{len(names)} officers are too many; {MAX_OFFICERS} at most")
        if not all(0 < len(name) <= MAX_NAME and name.isprintable() for name in names):
            raise InputError(f"an officer's name has 1 to {MAX_NAME} characters")
        if len(set(names)) < len(names):
            raise InputError("two officers have the same name; name each in full")
        if len(set(self.officers.values())) < len(names):
            raise InputError("two officers have the same key; each needs a key of their own")
        if any(len(key) != KEY_BYTES for key in self.officers.values()):
            raise InputError(f"an officer's public key has {KEY_BYTES} bytes")
        if not self.reason.isprintable():
            raise InputError("the reason is more than one line, or holds what is no text")
        if len(self.reason) > MAX_TEXT:
            raise InputError(f"the reason is longer than {MAX_TEXT} characters; shorten it")

    def name_of(self, key: Ed25519PrivateKey) -> str:
        """Whose key this is; InputError where it is nobody's."""
        public_key = key.public_key().public_bytes_raw()
        for name, known in self.officers.items():
            if known == public_key:
                return name
        raise InputError("this key is no officer's of this server; see exam-server trust show")


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(kind.__name__)
    return value


@dataclass(frozen=True, slots=True)
class SignedOfficers:
    """A new list and the signatures over its bytes, by the officers of the list before."""

    listed: OfficerList
    signatures: Mapping[str, bytes]

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        rows = sorted([name, value] for name, value in self.signatures.items())
        return canonical.encode(SIGNED_DOMAIN, SCHEMA, self.listed.to_bytes(), rows)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SignedOfficers":
        """InputError where the bytes are no such document; no signature is checked."""
        try:
            body, rows = canonical.decode(SIGNED_DOMAIN, SCHEMA, data, fields=2)
            signatures = {_typed(name, str): _typed(value, bytes) for name, value in rows}
            return cls(OfficerList.from_bytes(_typed(body, bytes)), signatures)
        except (ContractError, ValueError, TypeError) as error:
            raise InputError("the change is damaged; use the file as it was made") from error

    def countersigned(self, current: OfficerList, key: Ed25519PrivateKey) -> "SignedOfficers":
        """With a second officer's signature."""
        self.check_follows(current)
        signature = key.sign(self.listed.to_bytes())
        signed = replace(self, signatures={**self.signatures, current.name_of(key): signature})
        signed.check(current)
        return signed

    def check(self, current: OfficerList) -> None:
        """InputError unless the list follows `current` and two of its officers signed it."""
        self.check_follows(current)
        body = self.listed.to_bytes()
        for name, signature in self.signatures.items():
            _check_signature(current.officers.get(name), body, signature)
        if self.listed.proposed_by not in self.signatures:
            raise InputError("the officer who proposed the change did not sign it")
        signers = {current.officers[name] for name in self.signatures}
        if len(signers) < SIGNATURES_NEEDED:
            raise InputError(
                f"{len(signers)} officers signed the change, {SIGNATURES_NEEDED} must; "
                "have another officer countersign it"
            )

    def check_follows(self, current: OfficerList) -> None:
        place = (self.listed.number, self.listed.previous, self.listed.realm)
        if place != (current.number + 1, current.digest, current.realm):
            raise InputError(
                f"this list of officers (number {self.listed.number}) does not follow the one in "
                f"force (number {current.number}); propose the change anew"
            )


def _check_signature(public_key: bytes | None, body: bytes, signature: bytes) -> None:
    try:
        if public_key is None:
            raise ValueError("no officer")
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, body)
    except (InvalidSignature, ValueError) as error:
        raise InputError(
            "a signature of the change is no officer's or does not hold; propose the change anew"
        ) from error


def found(officers: list[tuple[str, bytes]], *, realm: Realm, now: datetime) -> OfficerList:
    """The first list of a server."""
    listed = OfficerList(1, realm, None, dict(officers), "", "founding", now.replace(microsecond=0))
    if len(listed.officers) < len(officers):
        raise InputError("two officers have the same name; name each in full")
    listed.check()
    return listed


def propose(
    current: OfficerList,
    *,
    add: list[tuple[str, bytes]],
    remove: list[str],
    reason: str,
    key: Ed25519PrivateKey,
    now: datetime,
) -> SignedOfficers:
    """The list after `current`, under the first officer's signature."""
    if not reason.strip():
        raise InputError("a change needs its reason")
    if not add and not remove:
        raise InputError("the change is empty; use --add or --remove")
    kept = dict(current.officers)
    for name in remove:
        if kept.pop(name, None) is None:
            raise InputError(f"there is no officer {name}; see exam-server trust show")
    for name, public_key in add:
        if name in kept:
            raise InputError(f"there is an officer {name} already; remove the old key, too")
        kept[name] = public_key
    officer = current.name_of(key)
    listed = OfficerList(
        current.number + 1,
        current.realm,
        current.digest,
        kept,
        officer,
        reason.strip(),
        now.replace(microsecond=0),
    )
    listed.check()
    return SignedOfficers(listed, {officer: key.sign(listed.to_bytes())})
