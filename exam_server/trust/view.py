"""The trust, and a change of it, as people and programs see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import crl as asn1_crl

from card_reader.distinguished_names import name_text, parse_name
from card_reader.trust.certificates import Certificate, parse_certificate
from card_reader.trust.collection import Entry, EntryKind, TrustCollection
from card_reader.trust.crl import RevocationList, parse_crl
from card_reader.trust.store import TrustStore
from exam_server.trust import service
from exam_server.trust.officers import SignedOfficers, fingerprint
from exam_server.trust.service import Change, InForce


@dataclass(frozen=True, slots=True)
class EntryView:
    """`since` and `until` are a certificate's validity, or a list's own and next update.

    `due` says that the certificate is past its end or a newer list is out; `revoked` counts a
    list's numbers. `added_by` and what follows are "" and None for loose files, which nobody
    signed.
    """

    kind: EntryKind
    sha256: str
    subject: str
    country: str
    key: str
    since: datetime
    until: datetime | None
    due: bool
    revoked: int | None
    added_by: str
    reason: str
    added_at: datetime | None

    def to_dict(self) -> Mapping[str, object]:
        return {
            "kind": self.kind.value,
            "sha256": self.sha256,
            "subject": self.subject,
            "country": self.country,
            "since": self.since.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "due": self.due,
            "revoked": self.revoked,
            "added_by": self.added_by,
            "reason": self.reason,
            "added_at": self.added_at.isoformat() if self.added_at else None,
        }

    def words(self) -> str:
        """One line for a terminal."""
        until = self.until.date().isoformat() if self.until else "no end"
        of = f"{self.revoked} revoked, " if self.revoked is not None else ""
        due = ", OVERDUE" if self.due else ""
        return (
            f"{self.kind.value}: {self.subject} ({self.country or 'no country'}), {of}"
            f"{self.since.date().isoformat()} to {until}{due}\n    SHA-256 {self.sha256}"
        )


def views_of(collection: TrustCollection, now: datetime) -> list[EntryView]:
    return sorted((view_of(entry, now) for entry in collection.entries), key=_order)


def loose_views(store: TrustStore, now: datetime) -> list[EntryView]:
    """The same of a store that no collection stands behind."""
    kinds = [(EntryKind.ANCHOR, item.raw) for item in store.anchors]
    kinds += [(EntryKind.CRL, item.raw) for item in store.crls]
    return sorted((view_of(Entry(kind, raw, "", "", now), now) for kind, raw in kinds), key=_order)


def _order(view: EntryView) -> tuple[str, str, str]:
    return view.country, view.subject, view.sha256


def view_of(entry: Entry, now: datetime) -> EntryView:
    if entry.kind is EntryKind.CRL:
        return _of_list(entry, parse_crl(entry.content), now)
    return _of_certificate(entry, parse_certificate(entry.content), now)


def _of_certificate(entry: Entry, certificate: Certificate, now: datetime) -> EntryView:
    return EntryView(
        kind=entry.kind,
        sha256=entry.sha256,
        subject=certificate.subject_text,
        country=certificate.country or "",
        key=certificate.key_text,
        since=certificate.not_before,
        until=certificate.not_after,
        due=now > certificate.not_after,
        revoked=None,
        added_by=entry.added_by,
        reason=entry.reason,
        added_at=entry.added_at if entry.added_by else None,
    )


def _of_list(entry: Entry, crl: RevocationList, now: datetime) -> EntryView:
    issuer = asn1_crl.CertificateList.load(crl.raw)["tbs_cert_list"]["issuer"].dump()
    return EntryView(
        kind=entry.kind,
        sha256=entry.sha256,
        subject=name_text(issuer),
        country=parse_name(issuer).country or "",
        key="",
        since=crl.this_update,
        until=crl.next_update,
        due=crl.is_stale(now),
        revoked=len(crl.serials),
        added_by=entry.added_by,
        reason=entry.reason,
        added_at=entry.added_at if entry.added_by else None,
    )


# --- changes ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Described:
    """A change in words and as JSON."""

    lines: tuple[str, ...]
    fields: Mapping[str, object]


def describe(change: Change, current: InForce, now: datetime) -> Described:
    """What a change would do to what is in force; nothing of it is proven yet."""
    if isinstance(change, SignedOfficers):
        listed = change.listed
        number, by, reason = listed.number, listed.proposed_by, listed.reason
        before = dict(current.founded().officers)
        added, removed = (
            [f"officer {name}: {fingerprint(key)}" for name, key in sorted(some.items())]
            for some in (_more(listed.officers, before), _more(before, listed.officers))
        )
    else:
        collection = change.collection
        number, by, reason = collection.version, collection.proposed_by, collection.reason
        entries = service.entry_changes(current.collection, collection)
        added, removed = ([view_of(entry, now).words() for entry in some] for some in entries)
    kind = "officers" if isinstance(change, SignedOfficers) else "trust"
    signers = sorted(change.signatures)
    lines = [
        f"{kind} {number}, proposed by {by}: {reason}",
        *(f"  + {line}" for line in added),
        *(f"  - {line}" for line in removed),
        f"signed by {', '.join(signers)}",
    ]
    fields = {
        "kind": kind,
        "version": number,
        "proposed_by": by,
        "reason": reason,
        "added": added,
        "removed": removed,
        "signers": signers,
    }
    return Described(tuple(lines), fields)


def _more(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: key for name, key in one.items() if other.get(name) != key}
