"""Bringing what officers signed into force, and saying what is in force; fails closed.

The newest document of each kind is in force if the server sealed it, its signatures hold, and the
audit log knows of no newer one. Anything else is an InputError, and nobody is let in on it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy.orm import undefer
from sqlmodel import Session, col, func, select

from card_reader.trust.collection import (
    Entry,
    SignedCollection,
    TrustChangeRefusedError,
    TrustCollection,
    apply_change,
)
from card_reader.trust.collection import load as load_collection
from card_reader.trust.store import Realm
from exam_server import audit
from exam_server.audit import AuditEntry, Operator
from exam_server.errors import InputError
from exam_server.trust import officers as officer_lists
from exam_server.trust.models import DocumentKind, TrustDocument
from exam_server.trust.officers import OfficerList, SignedOfficers

SUBJECT = "trust"
#: What the log says of a document that came into force, and of which kind it was.
LOGGED = {
    "trust_officers_founded": DocumentKind.OFFICERS,
    "trust_officers_changed": DocumentKind.OFFICERS,
    "trust_changed": DocumentKind.COLLECTION,
}

Change = SignedOfficers | SignedCollection
_WITH_CONTENT = undefer(cast(Any, TrustDocument.content))


@dataclass(frozen=True, slots=True)
class InForce:
    """What is in force: `officers` None before they were founded, `collection` None before one."""

    officers: OfficerList | None
    collection: TrustCollection | None

    def founded(self) -> OfficerList:
        if self.officers is None:
            raise InputError("no officers are founded yet; see exam-server trust found --help")
        return self.officers


def read_change(data: bytes) -> Change:
    """A change's file, of whichever kind; no signature is checked."""
    if officer_lists.SIGNED_DOMAIN.encode() in data[: len(officer_lists.SIGNED_DOMAIN) + 8]:
        return SignedOfficers.from_bytes(data)
    try:
        return SignedCollection.from_bytes(data)
    except TrustChangeRefusedError as error:
        raise InputError(f"the file is no change of the trust: {error}") from error


def entry_changes(
    before: TrustCollection | None, after: TrustCollection
) -> tuple[list[Entry], list[Entry]]:
    """What `after` has more than `before`, and what it lacks; a changed entry is both."""
    entries = before.entries if before else ()
    old, new = set(entries), set(after.entries)
    return (
        [item for item in after.entries if item not in old],
        [item for item in entries if item not in new],
    )


# --- what is in force ---------------------------------------------------------------------------


def newest_numbers(session: Session) -> dict[DocumentKind, int]:
    """The newest number of each kind; cheap enough for every check-in."""
    query = select(TrustDocument.kind, func.max(TrustDocument.number)).group_by(
        col(TrustDocument.kind)
    )
    return {DocumentKind(kind): number for kind, number in session.exec(query)}


def history(session: Session) -> Sequence[TrustDocument]:
    """Every document that came into force, newest first, without its content."""
    order = (col(TrustDocument.applied_at).desc(), col(TrustDocument.number).desc())
    return session.exec(select(TrustDocument).order_by(*order)).all()


def in_force(session: Session, own: Ed25519PublicKey, realm: Realm) -> InForce:
    """What is in force on the server with the public key `own`; InputError where that fails."""
    numbers = newest_numbers(session)
    _check_not_rolled_back(session, numbers)
    listed = None
    if DocumentKind.OFFICERS in numbers:
        listed = _officers(session, numbers[DocumentKind.OFFICERS], own, realm)
    collection = None
    if DocumentKind.COLLECTION in numbers:
        row = _document(session, DocumentKind.COLLECTION, numbers[DocumentKind.COLLECTION], own)
        collection = _collection(row, _officers(session, row.officers, own, realm), realm)
    return InForce(listed, collection)


def _check_not_rolled_back(session: Session, numbers: dict[DocumentKind, int]) -> None:
    """The log, which cannot be shortened unnoticed, must know of nothing newer or other."""
    for kind in DocumentKind:
        actions = [action for action, of in LOGGED.items() if of is kind]
        query = (
            select(AuditEntry.details)
            .where(col(AuditEntry.action).in_(actions))
            .order_by(col(AuditEntry.sequence).desc())
            .limit(1)
        )
        logged = json.loads(session.exec(query).first() or "{}")
        row = session.get(TrustDocument, (kind, numbers[kind])) if kind in numbers else None
        kept = (row.number, row.digest.hex()) if row is not None else (None, None)
        if kept != (logged.get("version"), logged.get("digest")):
            raise InputError(
                f"the trust ({kind.value}) is not the one that the audit log says is in force: "
                "it was rolled back or put in by hand; restore the server from a backup"
            )


def _document(
    session: Session, kind: DocumentKind, number: int, own: Ed25519PublicKey
) -> TrustDocument:
    row = session.get(TrustDocument, (kind, number), options=[_WITH_CONTENT])
    if row is None:
        raise InputError(
            f"the trust ({kind.value} {number}) is missing; restore the server from a backup"
        )
    _check_seal(row, own)
    return row


def _check_seal(row: TrustDocument, own: Ed25519PublicKey) -> None:
    try:
        own.verify(row.seal, row.sealed_bytes())
    except InvalidSignature as error:
        raise InputError(
            f"the trust ({row.kind.value} {row.number}) was not put in by this server; "
            "restore the server from a backup"
        ) from error


def _officers(session: Session, number: int, own: Ed25519PublicKey, realm: Realm) -> OfficerList:
    row = _document(session, DocumentKind.OFFICERS, number, own)
    listed = _listed(row)
    if (listed.number, listed.digest, listed.realm) != (row.number, row.digest, realm):
        raise InputError("the list of officers was changed; restore the server from a backup")
    return listed


def _listed(row: TrustDocument) -> OfficerList:
    if row.officers == 0:
        return OfficerList.from_bytes(row.content)
    return SignedOfficers.from_bytes(row.content).listed


def _collection(row: TrustDocument, signers: OfficerList, realm: Realm) -> TrustCollection:
    try:
        collection = load_collection(
            row.content, officers=signers.officers, realm=realm, seen=(row.number, row.digest)
        )
    except TrustChangeRefusedError as error:
        raise InputError(f"the trust in force cannot be used: {error}") from error
    if collection.version != row.number:
        raise InputError("the trust was changed; restore the server from a backup")
    return collection


# --- changes ------------------------------------------------------------------------------------


def found(
    session: Session,
    officers: list[tuple[str, bytes]],
    *,
    realm: Realm,
    key: Ed25519PrivateKey,
    now: datetime,
) -> OfficerList:
    """Fixes, once, whose signatures count. `key` is the server's own."""
    if in_force(session, key.public_key(), realm).officers is not None:
        raise InputError("the officers are founded; two of them change the list: trust officers")
    listed = officer_lists.found(officers, realm=realm, now=now)
    row = TrustDocument(
        kind=DocumentKind.OFFICERS,
        number=listed.number,
        digest=listed.digest,
        officers=0,
        content=listed.to_bytes(),
        proposed_by="",
        countersigned_by="",
        reason="",
        added=len(listed.officers),
        removed=0,
        applied_at=now,
        seal=b"",
    )
    _bring_in(session, row, "trust_officers_founded", key, now)
    return listed


def apply(
    session: Session, change: Change, *, realm: Realm, key: Ed25519PrivateKey, now: datetime
) -> TrustDocument:
    """Brings a change that two officers signed into force, in the caller's transaction."""
    current = in_force(session, key.public_key(), realm)
    listed = current.founded()
    if isinstance(change, SignedOfficers):
        row = _new_officers(change, listed, now)
        _bring_in(session, row, "trust_officers_changed", key, now)
    else:
        row = _new_collection(change, current.collection, listed, now)
        _bring_in(session, row, "trust_changed", key, now)
    return row


def _new_officers(change: SignedOfficers, current: OfficerList, now: datetime) -> TrustDocument:
    change.check(current)
    listed = change.listed
    before, after = set(current.officers.items()), set(listed.officers.items())
    return TrustDocument(
        kind=DocumentKind.OFFICERS,
        number=listed.number,
        digest=listed.digest,
        officers=current.number,
        content=change.to_bytes(),
        proposed_by=listed.proposed_by,
        countersigned_by=_others(change.signatures, listed.proposed_by),
        reason=listed.reason,
        added=len(after - before),
        removed=len(before - after),
        applied_at=now,
        seal=b"",
    )


def _new_collection(
    change: SignedCollection, current: TrustCollection | None, listed: OfficerList, now: datetime
) -> TrustDocument:
    if change.collection.realm is not listed.realm:
        raise InputError(
            f"the change is of the realm {change.collection.realm}, this server of {listed.realm}"
        )
    try:
        collection = apply_change(current, change, officers=listed.officers)
    except TrustChangeRefusedError as error:
        raise InputError(str(error)) from error
    added, removed = entry_changes(current, collection)
    return TrustDocument(
        kind=DocumentKind.COLLECTION,
        number=collection.version,
        digest=collection.digest,
        officers=listed.number,
        content=change.to_bytes(),
        proposed_by=collection.proposed_by,
        countersigned_by=_others(change.signatures, collection.proposed_by),
        reason=collection.reason,
        added=len(added),
        removed=len(removed),
        applied_at=now,
        seal=b"",
    )


def _others(signatures: Iterable[str], proposed_by: str) -> str:
    return ", ".join(sorted(set(signatures) - {proposed_by}))


def _bring_in(
    session: Session, row: TrustDocument, action: str, key: Ed25519PrivateKey, now: datetime
) -> None:
    """Keeps, logs and seals it: the audit log is what a roll-back is known by."""
    row.seal = key.sign(row.sealed_bytes())
    session.add(row)
    session.flush()
    details = {
        "version": row.number,
        "digest": row.digest.hex(),
        "proposed_by": row.proposed_by,
        "countersigned_by": row.countersigned_by,
        "reason": row.reason,
        "added": row.added,
        "removed": row.removed,
    }
    audit.record(
        session,
        actor=Operator().actor,
        action=action,
        subject=SUBJECT,
        details={name: value for name, value in details.items() if value != ""},
        now=now,
    )
    audit.seal(session, key, now=now)


# --- all there ever was -------------------------------------------------------------------------


def check_documents(session: Session, own: Ed25519PublicKey) -> list[str]:
    """What is wrong with any document, from the founding to the newest; empty where nothing."""
    rows = session.exec(
        select(TrustDocument).order_by(col(TrustDocument.number)).options(_WITH_CONTENT)
    ).all()
    lists: dict[int, OfficerList] = {}
    faults = _not_as_logged(session, rows)
    collection: TrustCollection | None = None
    try:
        for row in (row for row in rows if row.kind is DocumentKind.OFFICERS):
            _check_seal(row, own)
            if row.officers:
                SignedOfficers.from_bytes(row.content).check(lists[row.officers])
            lists[row.number] = _listed(row)
        for row in (row for row in rows if row.kind is DocumentKind.COLLECTION):
            _check_seal(row, own)
            signed = SignedCollection.from_bytes(row.content)
            collection = apply_change(collection, signed, officers=lists[row.officers].officers)
    except (InputError, TrustChangeRefusedError) as error:
        faults.append(f"trust: {error}")
    except KeyError as error:
        faults.append(f"trust: the list of officers number {error} is missing")
    return faults


def _not_as_logged(session: Session, rows: Sequence[TrustDocument]) -> list[str]:
    query = select(AuditEntry.action, AuditEntry.details).where(
        col(AuditEntry.action).in_(list(LOGGED))
    )
    logged = set()
    for action, details in session.exec(query):
        fields = json.loads(details)
        logged.add((LOGGED[action], fields.get("version"), fields.get("digest")))
    kept = {(row.kind, row.number, row.digest.hex()) for row in rows}
    return [
        f"trust: {one[0]} {one[1]} stands in the {'log' if one in logged else 'table'} alone"
        for one in sorted(logged ^ kept)
    ]
