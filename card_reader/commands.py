"""``card-reader readers``, ``read``, ``verify`` and ``trust`` (contract: docs, "Commands")."""

import argparse
import base64
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from card_reader import tlv
from card_reader.access.citizen_card import cccd_passwords, citizen_of_qr
from card_reader.access.passwords import MrzPassword
from card_reader.errors import (
    CardError,
    CardReason,
    MalformedFileError,
    MalformedTlvError,
    ReaderError,
    UnreadableInputError,
)
from card_reader.evidence import Challenge, ChipEvidence, Freshness
from card_reader.lds import DATA_GROUPS, EF_SOD, FILES_BY_TAG, dg2
from card_reader.reader import StepName, read_card
from card_reader.recording import SessionRecording, write_private
from card_reader.trust.inventory import Kind, take_inventory
from card_reader.trust.master_list import (
    CertificateFile,
    ListSignature,
    is_signed_data,
)
from card_reader.trust.store import Realm, TrustStore, read_certificate_files, read_files
from card_reader.verify import STORED_FILES, Policy, Report, Verdict, examine

EXIT_POSITIVE = 0
EXIT_NEGATIVE = 1
PORTRAIT_SUFFIXES = {"image/jpeg": ".jpg", "image/jp2": ".jp2", "image/png": ".png"}
# On the command line whoever names the anchors chooses: those of test issuers may be named too.
REALM = Realm.TEST

Subparsers = Any  # argparse gives its type no public name


def register(subparsers: Subparsers) -> None:
    """Add the commands; each sets ``run``, a function from the arguments to the exit code."""
    _register_readers(subparsers)
    _register_read(subparsers)
    _register_verify(subparsers)
    _register_trust(subparsers)


def print_json(content: dict[str, object]) -> None:
    """The one JSON object on stdout."""
    print(json.dumps(content, ensure_ascii=False))


def _register_readers(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("readers", help="PC/SC readers and what is in them")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_readers)


def _register_read(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("read", help="read and verify the card in a reader")
    parser.add_argument("--reader", metavar="NAME", help="part of the name; else one with a card")
    parser.add_argument("--doc", metavar="N", help="document number as the MRZ prints it")
    parser.add_argument("--expiry", metavar="YYMMDD", help="date of expiry")
    parser.add_argument("--dob", metavar="DATE", help="YYMMDD with --doc, YYYY-MM-DD with --cccd")
    parser.add_argument("--cccd", metavar="N", help="the citizen's 12-digit number")
    parser.add_argument("--qr", metavar="TEXT", help="text of the QR code on the card")
    _add_trust(parser)
    parser.add_argument("--challenge", metavar="HEX", type=_challenge, help="8 bytes, else drawn")
    parser.add_argument("--out", metavar="DIR", type=Path, help="write files, portrait, evidence")
    parser.add_argument("--record", metavar="FILE", type=Path, help="write the whole session")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_read)


def _register_verify(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("verify", help="passive authentication of stored files")
    parser.add_argument("paths", nargs="+", type=Path, metavar="DIR_OR_FILE")
    parser.add_argument(
        "--dg", action="append", default=[], type=_data_group, metavar="N=FILE", help="a data group"
    )
    _add_trust(parser)
    parser.add_argument("--at", type=_day, metavar="YYYY-MM-DD", help="compare dates with this day")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_verify)


def _register_trust(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("trust", help="list issuer certificates and check them")
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE_OR_DIR")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_trust)


def _add_trust(parser: argparse.ArgumentParser) -> None:
    options: dict[str, Any] = {"nargs": "+", "action": "extend", "type": Path, "default": []}
    parser.add_argument("--trust", metavar="PATH", help="issuer certificates (CSCA)", **options)
    parser.add_argument("--crl", metavar="PATH", help="revocation lists", **options)


# --- readers ------------------------------------------------------------------------------------


def _readers(arguments: argparse.Namespace) -> int:
    from card_reader.pcsc import list_readers  # the service's library may be absent

    readers = list_readers()
    if arguments.json:
        rows = [
            {"name": item.name, "card": item.card_present, "atr": item.atr.hex()}
            for item in readers
        ]
        print_json({"readers": rows})
    for item in readers if not arguments.json else ():
        print(f"{item.name}: {'card ' + item.atr.hex() if item.card_present else 'empty'}")
    if not readers:
        print(
            "card-reader: " + str(ReaderError("no reader", CardReason.NO_READER)), file=sys.stderr
        )
        return EXIT_NEGATIVE
    return EXIT_POSITIVE


# --- read ---------------------------------------------------------------------------------------


def _read(arguments: argparse.Namespace) -> int:
    from card_reader.pcsc import connect

    passwords = _passwords(arguments)
    trust = _trust_store(arguments)
    recording = SessionRecording()
    value = arguments.challenge or recording.rng(8)
    challenge = Challenge("command-line", value, Freshness.STATION)
    name = _reader_with_card(arguments.reader)
    try:
        with connect(name) as transport:
            evidence = read_card(
                transport,
                passwords,
                challenge=challenge,
                progress=_show_step,
                reader=name,
                recorder=recording.exchange if arguments.record else None,
                rng=recording.rng,
            )
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)
        if arguments.record:
            recording.save(arguments.record, passwords)
    report = examine(
        evidence, trust, Policy(REALM, None, None), at=None, expected_challenge=challenge.value
    )
    if arguments.out:
        _write_evidence(arguments.out, evidence)
    _print_report(report, _reading_keys(evidence), as_json=arguments.json)
    return _exit_code(report)


def _reading_keys(evidence: ChipEvidence) -> dict[str, object]:
    steps = [
        {"name": s.name, "milliseconds": s.milliseconds, "apdus": s.apdus, "bytes": s.bytes}
        for s in evidence.steps
    ]
    access = evidence.access
    return {
        "access": {"protocol": access.protocol.value, "downgrade": access.downgrade},
        "chip_authentication": "absent",
        "files": {name: len(content) for name, content in evidence.files.items()},
        "steps": steps,
        "apdus": sum(step.apdus for step in evidence.steps),
    }


def _passwords(arguments: argparse.Namespace) -> tuple[MrzPassword, ...]:
    ways = [arguments.doc is not None, arguments.cccd is not None, arguments.qr is not None]
    if sum(ways) != 1:
        raise UnreadableInputError(
            "give exactly one of --cccd, --doc and --qr", CardReason.NO_PASSWORD
        )
    today = datetime.now(UTC).date()
    if arguments.qr is not None:
        number, birth = citizen_of_qr(arguments.qr)
        return cccd_passwords(number, birth, today=today)
    if arguments.dob is None:
        raise UnreadableInputError("the date of birth (--dob) is missing", CardReason.NO_PASSWORD)
    if arguments.cccd is not None:
        return cccd_passwords(arguments.cccd, _birth_day(arguments.dob), today=today)
    if arguments.expiry is None:
        raise UnreadableInputError(
            "the date of expiry (--expiry) is missing", CardReason.NO_PASSWORD
        )
    return (MrzPassword(arguments.doc, arguments.dob, arguments.expiry),)


def _reader_with_card(wanted: str | None) -> str:
    from card_reader.pcsc import list_readers

    readers = list_readers()
    if not readers:
        raise ReaderError("no reader", CardReason.NO_READER)
    named = [item for item in readers if wanted is None or wanted in item.name]
    if not named:
        raise ReaderError(f"no reader is called {wanted}", CardReason.NO_READER)
    filled = [item for item in named if item.card_present]
    if not filled:
        raise ReaderError("no card in the reader", CardReason.NO_CARD)
    return filled[0].name


def _show_step(name: StepName) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{name}", end="", file=sys.stderr, flush=True)


def _write_evidence(folder: Path, evidence: ChipEvidence) -> None:
    for name, content in evidence.files.items():
        write_private(folder / f"{name}.bin", content)
    portrait = _portrait(evidence)
    if portrait is not None:
        suffix = PORTRAIT_SUFFIXES.get(portrait.mime, ".bin")
        write_private(folder / f"portrait{suffix}", portrait.data)
    proof = evidence.active_authentication
    challenge = evidence.challenge
    summary = {
        "evidence": base64.b64encode(evidence.to_bytes()).decode(),
        "read_at": evidence.read_at.isoformat(),
        "reader": evidence.reader,
        "reader_version": evidence.reader_version,
        "atr": evidence.atr.hex(),
        "challenge": challenge.value.hex() if challenge else None,
        "active_authentication": proof.hex() if proof else None,
        **_reading_keys(evidence),
    }
    write_private(folder / "evidence.json", json.dumps(summary, indent=1).encode())


def _portrait(evidence: ChipEvidence) -> dg2.FaceImage | None:
    raw = evidence.files.get(DATA_GROUPS[2].name)
    try:
        images = dg2.parse(raw) if raw else ()
    except CardError:
        return None
    return images[0] if images else None


# --- verify -------------------------------------------------------------------------------------


def _verify(arguments: argparse.Namespace) -> int:
    files = _stored_files(arguments.paths)
    for number, path in arguments.dg:
        if path.is_dir():
            raise UnreadableInputError(f"--dg {number}: {path} is a folder; name the file")
        files[DATA_GROUPS[number].name] = read_files([path])[0][1]
    if EF_SOD.name not in files:
        raise UnreadableInputError("no EF.SOD among the files", CardReason.FILE_MISSING)
    trust = _trust_store(arguments)
    report = examine(files, trust, STORED_FILES[REALM], at=arguments.at)
    _print_report(report, {}, as_json=arguments.json)
    return _exit_code(report)


def _trust_store(arguments: argparse.Namespace) -> TrustStore:
    """The anchors and lists named on the command line; an empty folder is a mistake in the call."""
    for option, paths in (("--trust", arguments.trust), ("--crl", arguments.crl)):
        for path in paths:
            if path.is_dir() and not any(path.rglob("*")):
                raise UnreadableInputError(f"{option}: the folder {path} is empty")
    return TrustStore.load(arguments.trust, crls=arguments.crl, realm=REALM)


def _stored_files(paths: Sequence[Path]) -> dict[str, bytes]:
    """Files by name, known by their outer tag; others inside a folder are left alone."""
    files: dict[str, bytes] = {}
    for path in paths:
        for file, content in read_files([path]):
            name = _name_by_tag(content)
            if file != path and not _is_whole(content):
                continue
            if name is None:
                raise MalformedFileError(f"{file} is no file of a chip card")
            if files.setdefault(name, content) != content:
                raise UnreadableInputError(f"{file}: a second, different {name} was given")
    return files


def _name_by_tag(content: bytes) -> str | None:
    if is_signed_data(content):
        return EF_SOD.name
    file = FILES_BY_TAG.get(content[0]) if content else None
    return file.name if file else None


def _is_whole(content: bytes) -> bool:
    """Whether a file's own header fits its length: a text may begin with the same byte."""
    try:
        return _name_by_tag(content) is not None and tlv.header_length(content) <= len(content)
    except MalformedTlvError:
        return is_signed_data(content)


# --- trust --------------------------------------------------------------------------------------


def _trust(arguments: argparse.Namespace) -> int:
    files = read_certificate_files(arguments.paths)
    listed = [certificate for _, file in files for certificate in file.certificates]
    if not listed:
        raise UnreadableInputError("no certificate among the files")
    entries = take_inventory(listed)
    kinds = Counter(entry.kind for entry in entries)
    explicit = sum(entry.certificate.has_explicit_parameters for entry in entries)
    counts = {
        "certificates": len(listed),
        **{kind.value: kinds[kind] for kind in Kind},
        "explicit_parameters": explicit,
    }
    signatures = {str(path): _list_signature(file, files) for path, file in files}
    if arguments.json:
        rows = [entry.to_dict() for entry in entries]
        print_json({"certificates": rows, "counts": counts, "list_signature": signatures})
    else:
        for entry in entries:
            certificate = entry.certificate
            print(f"{certificate.sha256}  {entry.kind:15}  {certificate.subject_text}")
        print(", ".join(f"{name} {count}" for name, count in counts.items()))
    return EXIT_NEGATIVE if ListSignature.INVALID in signatures.values() else EXIT_POSITIVE


def _list_signature(file: CertificateFile, files: list[tuple[Path, CertificateFile]]) -> str:
    others = tuple(certificate for _, other in files for certificate in other.certificates)
    if file.signature is ListSignature.VALID and not file.vouched(others):
        return ListSignature.INVALID
    return file.signature


# --- shared -------------------------------------------------------------------------------------


def _print_report(report: Report, further: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json({**report.to_dict(), **further})
        return
    print(f"{report.verdict}: signature {report.signature}, chain {report.chain}")
    for finding in report.reasons:
        print(f"  {finding}: {finding.explanation}")


def _exit_code(report: Report) -> int:
    return EXIT_POSITIVE if report.verdict is Verdict.AUTHENTIC else EXIT_NEGATIVE


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no day YYYY-MM-DD") from None


def _birth_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnreadableInputError(
            f"--dob {text} is no day YYYY-MM-DD", CardReason.NO_PASSWORD
        ) from None


def _challenge(text: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != 8:
        raise argparse.ArgumentTypeError("a challenge is 16 hexadecimal digits")
    return value


def _data_group(text: str) -> tuple[int, Path]:
    number, separator, path = text.partition("=")
    if not (separator and path and number.isdecimal() and int(number) in DATA_GROUPS):
        raise argparse.ArgumentTypeError(f"{text} is not N=FILE with N from 1 to 16")
    return int(number), Path(path)
