"""``card-reader readers``, ``verify`` and ``trust`` (contract: docs, "Commands")."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from card_reader.errors import (
    CardReason,
    MalformedFileError,
    ReaderError,
    UnreadableInputError,
)
from card_reader.lds import (
    DATA_GROUPS,
    EF_CARD_SECURITY,
    EF_DIR,
    EF_SOD,
    FILES_BY_TAG,
    card_security,
)
from card_reader.trust.inventory import Kind, take_inventory
from card_reader.trust.master_list import (
    CertificateFile,
    ListSignature,
    is_signed_data,
)
from card_reader.trust.store import Realm, TrustStore, read_certificate_files, read_files
from card_reader.verify import STORED_FILES, Report, Verdict, examine, examine_card_security

EXIT_POSITIVE = 0
EXIT_NEGATIVE = 1
# On the command line whoever names the anchors chooses: those of test issuers may be named too.
REALM = Realm.TEST

_WHITE_SPACE = str.maketrans("\t\r\n", "   ")
Subparsers = Any  # argparse gives its type no public name


def register(subparsers: Subparsers) -> None:
    """Add the commands; each sets ``run``, a function from the arguments to the exit code."""
    _register_readers(subparsers)
    _register_verify(subparsers)
    _register_trust(subparsers)


def tell(text: str, *, end: str = "\n") -> None:
    """A line for the person at the terminal, on stderr."""
    print(text, end=end, file=sys.stderr, flush=True)


def print_json(content: dict[str, object]) -> None:
    """The one JSON object on stdout."""
    print(json.dumps(content, ensure_ascii=False))


def _register_readers(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("readers", help="PC/SC readers and what is in them")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_readers)


def _register_verify(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("verify", help="passive authentication of stored files")
    parser.add_argument("paths", nargs="+", type=Path, metavar="DIR_OR_FILE")
    parser.add_argument(
        "--dg", action="append", default=[], type=_data_group, metavar="N=FILE", help="a data group"
    )
    add_trust(parser)
    parser.add_argument("--at", type=_day, metavar="YYYY-MM-DD", help="compare dates with this day")
    parser.add_argument(
        "--strict", action="store_true", help="refuse what departs from the standards in form alone"
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_verify)


def _register_trust(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("trust", help="list issuer certificates and check them")
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE_OR_DIR")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_trust)


def add_trust(parser: argparse.ArgumentParser) -> None:
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
        tell(f"card-reader: {ReaderError('no reader', CardReason.NO_READER)}")
        return EXIT_NEGATIVE
    return EXIT_POSITIVE


# --- verify -------------------------------------------------------------------------------------


def _verify(arguments: argparse.Namespace) -> int:
    files = _stored_files(arguments.paths)
    for number, path in arguments.dg:
        if path.is_dir():
            raise UnreadableInputError(f"--dg {number}: {path} is a folder; name the file")
        files[DATA_GROUPS[number].name] = read_files([path])[0][1]
    card_security_file = files.get(EF_CARD_SECURITY.name)
    trust = trust_store(arguments)
    if EF_SOD.name in files:
        policy = replace(STORED_FILES[REALM], strict=arguments.strict)
        report = examine(files, trust, policy, at=arguments.at)
    elif card_security_file is not None:
        report = examine_card_security(card_security_file, trust, at=arguments.at)
    else:
        raise UnreadableInputError("no EF.SOD among the files", CardReason.FILE_MISSING)
    print_report(report, {}, as_json=arguments.json)
    return exit_code(report)


def trust_store(arguments: argparse.Namespace) -> TrustStore:
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
            if file != path and (name is None or _is_text(content)):
                continue
            if name is None:
                raise MalformedFileError(f"{file} is no file of a chip card")
            if files.setdefault(name, content) != content:
                raise UnreadableInputError(f"{file}: a second, different {name} was given")
    return files


def _name_by_tag(content: bytes) -> str | None:
    if is_signed_data(content):
        return EF_CARD_SECURITY.name if card_security.is_card_security(content) else EF_SOD.name
    if content[:1] == b"\x61" and content[2:3] == b"\x4f":  # a template of EF.DIR, no EF.DG1
        return EF_DIR.name
    file = FILES_BY_TAG.get(content[0]) if content else None
    return file.name if file else None


def _is_text(content: bytes) -> bool:
    """Whether a file only begins with the byte of a tag: a note does, and a cut file is no note."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return text.translate(_WHITE_SPACE).isprintable()


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
        unreadable = {str(path): file.unreadable for path, file in files if file.unreadable}
        print_json(
            {
                "certificates": rows,
                "counts": counts,
                "list_signature": signatures,
                "unreadable": unreadable,
            }
        )
    else:
        for entry in entries:
            certificate = entry.certificate
            print(f"{certificate.sha256}  {entry.kind:15}  {certificate.subject_text}")
        print(", ".join(f"{name} {count}" for name, count in counts.items()))
    for path, file in files:
        for problem in file.unreadable:
            print(f"card-reader: {path}: {problem}", file=sys.stderr)
    return EXIT_NEGATIVE if ListSignature.INVALID in signatures.values() else EXIT_POSITIVE


def _list_signature(file: CertificateFile, files: list[tuple[Path, CertificateFile]]) -> str:
    others = tuple(certificate for _, other in files for certificate in other.certificates)
    if file.signature is ListSignature.VALID and not file.vouched(others):
        return ListSignature.INVALID
    return file.signature


# --- shared -------------------------------------------------------------------------------------


def print_report(report: Report, further: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json({**report.to_dict(), **further})
        return
    print(f"{report.verdict}: signature {report.signature}, chain {report.chain}")
    proofs = f"active {report.active_authentication}, chip {report.chip_authentication}"
    print(f"  authentication of the chip: {proofs}")
    for finding in report.reasons:
        print(f"  {finding}: {finding.explanation}")


def exit_code(report: Report) -> int:
    return EXIT_POSITIVE if report.verdict is Verdict.AUTHENTIC else EXIT_NEGATIVE


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no day YYYY-MM-DD") from None


def _data_group(text: str) -> tuple[int, Path]:
    number, separator, path = text.partition("=")
    if not (separator and path and number.isdecimal() and int(number) in DATA_GROUPS):
        raise argparse.ArgumentTypeError(f"{text} is not N=FILE with N from 1 to 16")
    return int(number), Path(path)
