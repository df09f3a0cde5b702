"""`card-reader issue` and `card-reader simulate`."""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

from cryptography.hazmat.primitives import hashes

from card_reader.errors import UnreadableInputError
from card_reader.simulator import defects
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import CSCA_FILE, Issuer, KeyKind
from card_reader.simulator.personalisation import CannotIssueError, Holder
from card_reader.simulator.profile import CardProfile, Defect, Quirks
from card_reader.simulator.vpcd import DEFAULT_HOST, DEFAULT_PORT, VpcdLink

MAX_PICTURE_BYTES = 1024 * 1024
_POLL_SECONDS = 0.1
_TEXTS = (
    "place_of_origin",
    "residence",
    "nationality",
    "ethnicity",
    "religion",
    "identifying_features",
    "father",
    "mother",
    "spouse",
    "old_number",
)

Subparsers = Any  # argparse gives its type no public name


def register(subparsers: Subparsers) -> None:
    """Add both commands; each sets `run`, a function from the arguments to the exit code."""
    _register_issue(subparsers)
    _register_simulate(subparsers)


def _register_issue(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "issue", help="make a simulated card", description="Make a simulated card of realm test."
    )
    parser.add_argument("--issuer", type=Path, required=True, metavar="DIR", help="made if absent")
    parser.add_argument("--out", type=Path, required=True, metavar="CARD.json")
    parser.add_argument("--number", required=True, help="12 digits")
    parser.add_argument("--name", required=True, help="in Vietnamese, family name first")
    parser.add_argument("--dob", type=_day, required=True, metavar="YYYY-MM-DD")
    parser.add_argument("--sex", choices=("M", "F"), required=True)
    parser.add_argument("--issued", type=_day, metavar="YYYY-MM-DD", help="day of issue")
    parser.add_argument("--portrait", type=Path, required=True, metavar="IMAGE")
    for name in _TEXTS:
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name)
    parser.add_argument("--key-bits", type=int, default=1536, choices=(1024, 1536, 2048))
    parser.add_argument("--issuer-key", type=KeyKind, choices=list(KeyKind), default=None)
    parser.add_argument("--defect", type=Defect, choices=list(Defect), action="append", default=[])
    parser.add_argument("--other-portrait", type=Path, metavar="IMAGE", help="for the defect")
    parser.add_argument("--foreign-issuer", type=Path, metavar="DIR", help="for the defect")
    parser.add_argument("--quirk", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_issue)


def _register_simulate(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "simulate",
        help="put a simulated card into a virtual reader",
        description="Put a simulated card into a virtual PC/SC reader until Ctrl-C.",
    )
    parser.add_argument("card", type=Path, metavar="CARD.json")
    default = (DEFAULT_HOST, DEFAULT_PORT)
    parser.add_argument("--vpcd", type=_address, default=default, metavar="HOST:PORT")
    parser.add_argument("--tear-after", type=int, metavar="N", help="take it out after N commands")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_simulate)


def _issue(arguments: argparse.Namespace) -> int:
    issuer = _issuer(arguments.issuer, arguments.issuer_key)
    texts = {name: value for name in _TEXTS if (value := getattr(arguments, name)) is not None}
    if arguments.issued is not None:
        texts["date_of_issue"] = arguments.issued
    holder = Holder(arguments.number, arguments.name, arguments.dob, arguments.sex, **texts)
    profile = issuer.issue(holder, _picture(arguments.portrait), key_bits=arguments.key_bits)
    profile = replace(profile, quirks=_quirks(arguments.quirk))
    for defect in arguments.defect:
        profile = _with_defect(profile, defect, issuer, arguments)
    try:
        profile.save(arguments.out)
    except OSError as error:
        raise UnreadableInputError(f"cannot write {arguments.out}: {error.strerror}") from None
    expiry = holder.date_of_expiry
    result = {
        "card": str(arguments.out),
        "issuer": str(arguments.issuer),
        "anchor": issuer.csca.certificate.fingerprint(hashes.SHA256()).hex(),
        "realm": profile.realm,
        "number": holder.number,
        "document_number": profile.access.document_number,
        "date_of_birth": holder.date_of_birth.isoformat(),
        "date_of_expiry": expiry.isoformat() if expiry else None,
        "files": {f"{identifier:04X}": len(data) for identifier, data in profile.files.items()},
        "defects": list(profile.defects),
    }
    _print(result, f"{arguments.out}: card of {holder.name}", as_json=arguments.json)
    return 0


def _with_defect(
    profile: CardProfile, defect: Defect, issuer: Issuer, arguments: argparse.Namespace
) -> CardProfile:
    portrait: bytes | None = None
    foreign: Issuer | None = None
    if defect is Defect.PORTRAIT_EXCHANGED:
        if arguments.other_portrait is None:
            raise CannotIssueError(f"defect {defect} needs --other-portrait")
        portrait = _picture(arguments.other_portrait)
    if defect is Defect.FOREIGN_ISSUER:
        folder = arguments.foreign_issuer or arguments.issuer / "foreign"
        foreign = _issuer(folder, arguments.issuer_key, country="XX")
    return defects.apply(profile, defect, issuer=issuer, portrait=portrait, foreign=foreign)


def _simulate(arguments: argparse.Namespace) -> int:
    host, port = arguments.vpcd
    chip = Chip(CardProfile.load(arguments.card))
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's shape
        stop.set()

    previous = {s: signal.signal(s, on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
    started = time.monotonic()
    try:
        with VpcdLink(chip, host, port, arguments.tear_after) as link:
            print(f"card in the reader at {host}:{port}; Ctrl-C takes it out", file=sys.stderr)
            while not stop.is_set() and not link.wait_removed(_POLL_SECONDS):
                pass
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    torn = arguments.tear_after is not None and not stop.is_set()
    ended = "stopped" if stop.is_set() else "torn" if torn else "reader_gone"
    result = {
        "card": str(arguments.card),
        "vpcd": f"{host}:{port}",
        "ended": ended,
        "seconds": round(time.monotonic() - started, 3),
    }
    _print(result, f"card out of the reader ({ended})", as_json=arguments.json)
    return 1 if ended == "reader_gone" else 0


def _issuer(folder: Path, kind: KeyKind | None, country: str = "VN") -> Issuer:
    if (folder / CSCA_FILE).exists():
        return Issuer.load(folder)
    try:
        return Issuer.create(folder, country=country, kind=kind or KeyKind.BRAINPOOL_P384R1)
    except OSError as error:
        raise UnreadableInputError(f"cannot make an issuer in {folder}: {error.strerror}") from None


def _picture(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PICTURE_BYTES + 1)
    except OSError as error:
        raise UnreadableInputError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > MAX_PICTURE_BYTES:
        raise UnreadableInputError(f"{path} is larger than 1 MiB")
    return data


def _quirks(assignments: Sequence[str]) -> Quirks:
    known = {item.name: type(item.default) for item in fields(Quirks)}
    values: dict[str, bool | int] = {}
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        if name not in known:
            raise CannotIssueError(f"quirk {name!r} is none of: {', '.join(known)}")
        flag = {"true": True, "false": False}.get(value)
        number = int(value) if value.isascii() and value.isdigit() and int(value) > 0 else None
        chosen = flag if known[name] is bool else number
        if chosen is None:
            kind = "true or false" if known[name] is bool else "a positive number"
            raise CannotIssueError(f"quirk {name} is {kind}, not {value!r}")
        values[name] = chosen
    return Quirks(**values)  # type: ignore[arg-type]  # checked against the fields above


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write YYYY-MM-DD") from None


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: write HOST:PORT")
    return host, int(port)


def _print(result: dict[str, Any], line: str, *, as_json: bool) -> None:
    print(json.dumps(result, ensure_ascii=False) if as_json else line)
