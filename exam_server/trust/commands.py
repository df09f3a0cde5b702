"""Commands of the trust: two officers change it, anybody on the server's machine sees it."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from card_reader.trust.collection import Change as Wanted
from card_reader.trust.collection import (
    TrustChangeRefusedError,
    countersign,
    propose,
)
from card_reader.trust.store import Realm
from exam_server import db, directory, durable
from exam_server.console import (
    NEGATIVE,
    Subparsers,
    add_command,
    add_group,
    answer,
    remark,
    secret,
    unlocked,
)
from exam_server.context import utc_now
from exam_server.errors import InputError
from exam_server.loading import read_file
from exam_server.trust import officers as officer_lists
from exam_server.trust import service
from exam_server.trust.gathering import gather
from exam_server.trust.models import TrustDocument
from exam_server.trust.officers import SignedOfficers, fingerprint, named_key
from exam_server.trust.service import Change, InForce
from exam_server.trust.source import read_trust
from exam_server.trust.view import EntryView, describe, loose_views, views_of

OFFICER_PASSPHRASE = "EXAM_OFFICER_PASSPHRASE"  # noqa: S105 - the name of a variable
AGREED = ("yes", "có")


def register(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    trust = add_group(subparsers, "trust", "who vouches for cards; a change needs two officers")
    officer = trust.add_parser("officer", help="make an officer's key")
    officer.add_argument("name", metavar="NAME")
    officer.add_argument("--out", metavar="KEYFILE", type=Path, required=True)
    officer.add_argument("--json", action="store_true", help="one JSON object on stdout")
    _add_key_passphrase(officer)
    officer.set_defaults(run=_officer)

    found = add_command(trust, "found", _found, "fix who the officers are", passphrase=True)
    found.add_argument("--officer", metavar="NAME=PUBKEY", action="append", required=True)

    change = add_command(trust, "propose", _propose, "propose a change", passphrase=False)
    files: dict[str, Any] = {"nargs": "+", "action": "extend", "default": [], "type": Path}
    change.add_argument(
        "--add", metavar="PATH", help="certificates, master lists, CRLs, folders of them", **files
    )
    change.add_argument("--link", metavar="FILE", help="link certificates", **files)
    change.add_argument(
        "--pin", metavar="FILE", help="document signers, or the EF.SOD of a card", **files
    )
    change.add_argument("--remove", metavar="SHA256", nargs="+", action="extend", default=[])
    _add_proposal(change)

    listed = add_command(trust, "officers", _officers, "propose other officers", passphrase=False)
    listed.add_argument("--add", metavar="NAME=PUBKEY", action="append", default=[])
    listed.add_argument("--remove", metavar="NAME", action="append", default=[])
    _add_proposal(listed)

    second = add_command(
        trust, "countersign", _countersign, "see a change and sign it, too", passphrase=False
    )
    second.add_argument("change", metavar="CHANGE", type=Path)
    second.add_argument("--yes", action="store_true", help="it was looked at: trust show --change")
    second.add_argument("--out", metavar="CHANGE", type=Path, help="instead of the same file")
    _add_key(second)

    apply = add_command(trust, "apply", _apply, "bring a change into force", passphrase=True)
    apply.add_argument("change", metavar="CHANGE", type=Path)

    show = add_command(trust, "show", _show, "what is trusted, by whose word", passphrase=False)
    show.add_argument("--change", metavar="CHANGE", type=Path, help="what this would change")


def _add_proposal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True)
    parser.add_argument("--out", metavar="CHANGE", type=Path, required=True)
    _add_key(parser)


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", metavar="KEYFILE", type=Path, required=True, help="the officer's")
    _add_key_passphrase(parser)


def _add_key_passphrase(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key-passphrase-file",
        metavar="FILE",
        type=Path,
        help=f"file with the key's passphrase (else {OFFICER_PASSPHRASE}, else asked for)",
    )


# --- officers -----------------------------------------------------------------------------------


def _officer(parsed: argparse.Namespace) -> int:
    passphrase = secret(
        parsed.key_passphrase_file, OFFICER_PASSPHRASE, "New passphrase of the key", twice=True
    )
    key = officer_lists.make_key(parsed.out, passphrase)
    public_key = key.public_key().public_bytes_raw()
    known_as = f"{parsed.name}={public_key.hex()}"
    fields = {
        "officer": known_as,
        "name": parsed.name,
        "public_key": public_key.hex(),
        "fingerprint": fingerprint(public_key),
        "file": str(parsed.out),
    }
    text = f"{known_as}\nfingerprint {fingerprint(public_key)}"
    return answer(parsed, fields, text)


def _found(parsed: argparse.Namespace) -> int:
    named = [named_key(text) for text in parsed.officer]
    with unlocked(parsed) as opened, db.transaction(opened.server.engine) as session:
        listed = service.found(
            session,
            named,
            realm=opened.server.settings.realm,
            key=opened.keys.signing,
            now=utc_now(),
        )
    lines = [f"{name}: {fingerprint(key)}" for name, key in listed.officers.items()]
    text = "founded; compare each fingerprint with its officer:\n" + "\n".join(lines)
    return answer(parsed, {"officers": _officer_fields(listed.officers)}, text)


def _officer_fields(officers: Mapping[str, bytes]) -> list[dict[str, str]]:
    return [
        {"name": name, "public_key": key.hex(), "fingerprint": fingerprint(key)}
        for name, key in officers.items()
    ]


def _in_force(parsed: argparse.Namespace) -> tuple[InForce, Realm]:
    with directory.open_server(parsed.directory) as server, db.reading(server.engine) as session:
        realm = server.settings.realm
        return service.in_force(session, server.public_key(), realm), realm


def _key(parsed: argparse.Namespace) -> Ed25519PrivateKey:
    passphrase = secret(parsed.key_passphrase_file, OFFICER_PASSPHRASE, "Passphrase of your key")
    return officer_lists.open_key(parsed.key, passphrase)


# --- changes ------------------------------------------------------------------------------------


def _propose(parsed: argparse.Namespace) -> int:
    current, realm = _in_force(parsed)
    listed = current.founded()
    gathered = gather(parsed.add, links=parsed.link, pins=parsed.pin, realm=realm)
    for line in gathered.remarks:
        remark(line)
    known = {item.sha256 for item in current.collection.entries} if current.collection else set()
    new = [(kind, raw) for kind, raw in gathered.contents if sha256(raw).hexdigest() not in known]
    if len(new) < len(gathered.contents):
        remark(f"{len(gathered.contents) - len(new)} are trusted already and left out")
    removed = frozenset(text.lower().replace(":", "") for text in parsed.remove)
    key = _key(parsed)
    try:
        change = propose(
            current.collection,
            Wanted(parsed.reason.strip(), tuple(new), removed),
            realm=realm,
            officer=listed.name_of(key),
            sign=key.sign,
            now=utc_now(),
        )
    except TrustChangeRefusedError as error:
        raise InputError(error.detail) from error
    return _proposed(parsed, change, current)


def _officers(parsed: argparse.Namespace) -> int:
    current, _ = _in_force(parsed)
    listed = current.founded()
    change = officer_lists.propose(
        listed,
        add=[named_key(text) for text in parsed.add],
        remove=parsed.remove,
        reason=parsed.reason,
        key=_key(parsed),
        now=utc_now(),
    )
    return _proposed(parsed, change, current)


def _proposed(parsed: argparse.Namespace, change: Change, current: InForce) -> int:
    if parsed.out.exists():
        raise InputError(f"{parsed.out} exists; choose another name for the change")
    durable.write_file(parsed.out, change.to_bytes())
    shown = describe(change, current, utc_now())
    text = "\n".join((*shown.lines, f"{parsed.out}: to be countersigned by another officer"))
    return answer(parsed, {"change": str(parsed.out), **shown.fields}, text)


def _countersign(parsed: argparse.Namespace) -> int:
    current, _ = _in_force(parsed)
    listed = current.founded()
    change = service.read_change(read_file(parsed.change))
    shown = describe(change, current, utc_now())
    for line in shown.lines:
        remark(line)
    if not parsed.yes and not _agreed():
        return answer(parsed, {"signed": False}, "not signed", code=NEGATIVE)
    key = _key(parsed)
    signed: Change
    if isinstance(change, SignedOfficers):
        signed = change.countersigned(listed, key)
    else:
        try:
            signed = countersign(
                current.collection,
                change,
                officer=listed.name_of(key),
                sign=key.sign,
                officers=listed.officers,
            )
        except TrustChangeRefusedError as error:
            raise InputError(error.detail) from error
    out = parsed.out or parsed.change
    durable.write_file(out, signed.to_bytes())
    signers = sorted(signed.signatures)
    fields = {"signed": True, "change": str(out), "signers": signers}
    return answer(parsed, fields, f"{out}: signed by {' and '.join(signers)}")


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise InputError("nobody has looked at the change; see trust show --change, then use --yes")
    sys.stderr.write("Sign this? Type yes: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in AGREED


def _apply(parsed: argparse.Namespace) -> int:
    change = service.read_change(read_file(parsed.change))
    with unlocked(parsed) as opened, db.transaction(opened.server.engine) as session:
        row = service.apply(
            session,
            change,
            realm=opened.server.settings.realm,
            key=opened.keys.signing,
            now=utc_now(),
        )
    of = "officers" if isinstance(change, SignedOfficers) else "trust"
    fields = {
        "kind": row.kind.value,
        "version": row.number,
        "digest": row.digest.hex(),
        "added": row.added,
        "removed": row.removed,
        "signers": [row.proposed_by, row.countersigned_by],
    }
    text = f"{of} {row.number} is in force: {row.added} added, {row.removed} removed"
    return answer(parsed, fields, text)


# --- looking ------------------------------------------------------------------------------------


def _show(parsed: argparse.Namespace) -> int:
    now = utc_now()
    with directory.open_server(parsed.directory) as server, db.reading(server.engine) as session:
        realm, own = server.settings.realm, server.public_key()
        current = service.in_force(session, own, realm)
        history = service.history(session)
        store = read_trust(session, parsed.directory, own=own, realm=realm)
    collection = current.collection
    views = views_of(collection, now) if collection else loose_views(store, now)
    officers = _officer_fields(current.officers.officers) if current.officers else []
    fields: dict[str, object] = {
        "realm": realm.value,
        "version": collection.version if collection else 0,
        "digest": collection.digest.hex() if collection else None,
        "officers": officers,
        "entries": [view.to_dict() for view in views],
        "history": [_history_fields(row) for row in history],
    }
    lines = [_headline(current, views), *(view.words() for view in views)]
    lines += [f"officer {one['name']}: {one['fingerprint']}" for one in officers]
    lines += [_history_line(row) for row in history]
    if parsed.change is not None:
        change = service.read_change(read_file(parsed.change))
        shown = describe(change, current, now)
        fields["pending"] = shown.fields
        lines = list(shown.lines)
    return answer(parsed, fields, "\n".join(lines))


def _headline(current: InForce, views: Sequence[EntryView]) -> str:
    if current.collection is not None:
        text = f"version {current.collection.version}, {current.collection.digest.hex()}"
        return f"{text}, {len(views)} entries"
    if views:
        return f"no version yet; {len(views)} loose entries, for the test alone"
    return "nothing is trusted: every card is left to a proctor"


def _history_fields(row: TrustDocument) -> dict[str, object]:
    return {
        "kind": row.kind.value,
        "version": row.number,
        "digest": row.digest.hex(),
        "applied_at": row.applied_at.isoformat(),
        "proposed_by": row.proposed_by or None,
        "countersigned_by": row.countersigned_by or None,
        "reason": row.reason or None,
        "added": row.added,
        "removed": row.removed,
    }


def _history_line(row: TrustDocument) -> str:
    who = f"{row.proposed_by} and {row.countersigned_by}" if row.proposed_by else "founding"
    return (
        f"{row.applied_at.isoformat(timespec='seconds')} {row.kind} {row.number}: "
        f"{row.added} added, {row.removed} removed, {who}: {row.reason}".rstrip(": ")
    )
