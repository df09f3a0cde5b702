"""Commands that check what a server holds or gave: audit verify, receipt verify.

With a server's data directory they compare with what it holds; with its public key alone they
check a file by itself, on any machine.
"""

import argparse
from pathlib import Path

from exam_server import checking, db, directory
from exam_server.console import DONE, NEGATIVE, Subparsers, add_group, answer
from exam_server.contract.attempt_proof import prove
from exam_server.contract.receipt import Receipt, head_code
from exam_server.loading import read_file


def register(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    log = add_group(subparsers, "audit", "the log and the journals")
    verify = log.add_parser("verify", help="check every chain and signature")
    verify.add_argument(
        "directory",
        metavar="DIR_OR_FILE",
        type=Path,
        help="a server's data directory, or an exported attempt",
    )
    _add_offline(verify)
    verify.set_defaults(run=_audit_verify)
    receipt = add_group(subparsers, "receipt", "receipts of candidates")
    verify = receipt.add_parser("verify", help="check a receipt")
    verify.add_argument(
        "directory", metavar="DIR", type=Path, nargs="?", help="the server that gave it, if at hand"
    )
    verify.add_argument("file", metavar="FILE", type=Path)
    _add_offline(verify)
    verify.set_defaults(run=_receipt_verify)


def _add_offline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--server-key",
        metavar="HEX_OR_FILE",
        help="the server's public key (its server.pub), to check without the server",
    )


def _audit_verify(parsed: argparse.Namespace) -> int:
    if parsed.directory.is_file():
        return _export_verify(parsed)
    with directory.open_server(parsed.directory) as server, db.reading(server.engine) as session:
        found = checking.check_all(session, server.public_key())
    fields = {
        "audit_entries": found.audit_entries,
        "attempts": found.attempts,
        "records": found.records,
        "faults": list(found.faults),
    }
    good = f"{found.audit_entries} entries and {found.records} records hold"
    text = "\n".join(found.faults) or good
    return answer(parsed, fields, text, code=NEGATIVE if found.faults else DONE)


def _export_verify(parsed: argparse.Namespace) -> int:
    """An exported attempt, without any server."""
    proof = prove(read_file(parsed.directory), checking.server_key(parsed.server_key))
    facts = proof.facts
    fields = {
        "valid": proof.holds,
        "attempt": facts.attempt if facts else None,
        "registration_number": facts.registration_number if facts else None,
        "state": facts.state if facts else None,
        "head_code": head_code(facts.head) if facts else None,
        "counts": proof.counts,
        "with_answers": proof.opened,
        "faults": [
            {"part": fault.part, "flaw": fault.flaw.value, "detail": fault.detail}
            for fault in proof.faults
        ],
    }
    adopted = proof.counts["adopted"]
    beside = f" and {adopted} adopted by officers" if adopted else ""
    good = (
        f"{proof.counts['record']} records{beside} hold; the server signed every part of the file"
    )
    text = "\n".join(map(str, proof.faults)) or good
    return answer(parsed, fields, text, code=DONE if proof.holds else NEGATIVE)


def _receipt_verify(parsed: argparse.Namespace) -> int:
    receipt, signature = checking.read_receipt(parsed.file)
    faults = _receipt_faults(parsed, receipt, signature)
    fields = {
        "valid": not faults,
        "attempt": receipt.attempt,
        "registration_number": receipt.registration_number,
        "paper": receipt.paper,
        "code": receipt.code,
        "records": receipt.sequence,
        "answered": receipt.answered,
        "submitted_at": receipt.submitted_at.isoformat(),
        "short_code": receipt.short_code,
        "faults": faults,
    }
    text = "\n".join(faults) or f"the receipt {receipt.short_code} is genuine and holds"
    return answer(parsed, fields, text, code=NEGATIVE if faults else DONE)


def _receipt_faults(parsed: argparse.Namespace, receipt: Receipt, signature: bytes) -> list[str]:
    """Against what the server holds, where it is at hand; else its signature alone."""
    if parsed.directory is None:
        return checking.check_signature(receipt, signature, checking.server_key(parsed.server_key))
    with directory.open_server(parsed.directory) as server, db.reading(server.engine) as session:
        return checking.check_receipt(session, receipt, signature, server.public_key())
