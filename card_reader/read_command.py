"""``card-reader read``: reads and verifies the card in a reader (contract: docs, "Commands")."""

import argparse
import base64
import json
import math
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from card_reader.access.citizen_card import cccd_passwords, password_of_mrz, passwords_of_qr
from card_reader.access.citizen_qr import CitizenQr, parse_qr
from card_reader.access.passwords import CanPassword, MrzPassword, Password
from card_reader.commands import REALM, add_trust, exit_code, print_report, tell, trust_store
from card_reader.comparison import Comparison, RosterEntry, compare
from card_reader.errors import CardError, CardReason, ReaderError, UnreadableInputError
from card_reader.evidence import AccessPolicy, Challenge, ChipEvidence, Freshness
from card_reader.lds import DATA_GROUPS, EF_COM, dg1, dg2, dg13
from card_reader.masking.mask import MaskingFailedError, mask
from card_reader.reader import NEVER_READ, StepName, read_card
from card_reader.reading.strategy import CardMemory
from card_reader.report import DataGroup
from card_reader.sessions.recorded_reading import Reading
from card_reader.sessions.recording import SessionRecording
from card_reader.sessions.session_file import write_private
from card_reader.verify import Policy, Report, examine

PORTRAIT_SUFFIXES = {"image/jpeg": ".jpg", "image/jp2": ".jp2", "image/png": ".png"}
GROUPS = tuple(sorted(set(DATA_GROUPS) - NEVER_READ))
PATIENCE_SECONDS = 10.0
CHALLENGE_LENGTH = 8

Subparsers = Any  # argparse gives its type no public name


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("read", help="read and verify the card in a reader")
    parser.add_argument("--reader", metavar="NAME", help="part of the name; else one with a card")
    parser.add_argument("--can", metavar="N", help="card access number printed on the card")
    parser.add_argument("--doc", metavar="N", help="document number as the MRZ prints it")
    parser.add_argument("--expiry", metavar="YYMMDD", help="date of expiry")
    parser.add_argument("--dob", metavar="DATE", help="YYMMDD with --doc, YYYY-MM-DD with --cccd")
    parser.add_argument("--cccd", metavar="N", help="the citizen's 12-digit number")
    parser.add_argument("--qr", metavar="TEXT", help="text of the QR code on the card")
    parser.add_argument("--mrz", metavar="LINE", nargs="+", help="the lines of the MRZ")
    add_trust(parser)
    parser.add_argument("--challenge", metavar="HEX", type=_challenge, help="8 bytes, else drawn")
    parser.add_argument(
        "--access-policy",
        choices=[policy.value for policy in AccessPolicy],
        default=AccessPolicy.BAC_IF_NOT_OFFERED.value,
        help="whether BAC may open a card (default: where it offers no PACE)",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="write files, portrait, evidence")
    parser.add_argument("--record", metavar="FILE", type=Path, help="write the session, masked")
    parser.add_argument(
        "--record-unmasked",
        metavar="FILE",
        type=Path,
        help="write the session with the person's data",
    )
    parser.add_argument(
        "--memory",
        metavar="FILE",
        type=Path,
        default=_memory_path(),
        help="where to keep what kinds of cards teach (default: %(default)s)",
    )
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_seconds,
        default=PATIENCE_SECONDS,
        help="how long a card that left may take to come back (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_read)


def _read(arguments: argparse.Namespace) -> int:
    qr = None if arguments.qr is None else parse_qr(arguments.qr)
    passwords = _passwords(arguments, qr)
    trust = trust_store(arguments)
    memory = _load(arguments.memory)
    recording = SessionRecording()
    reading = Reading(
        passwords,
        challenge=Challenge(
            "command-line", arguments.challenge or os.urandom(CHALLENGE_LENGTH), Freshness.STATION
        ),
        groups=GROUPS,
        access_policy=AccessPolicy(arguments.access_policy),
        extras=(EF_COM,) if arguments.out else (),
    )
    ended: ChipEvidence | CardError
    try:
        ended = _evidence(arguments, reading, recording, memory)
    except CardError as error:
        ended = error
    if sys.stderr.isatty():
        tell("")
    if isinstance(ended, CardError):
        _record(arguments, recording, reading, ended, {"error": ended.reason.value})
        raise ended
    if not _is_recorded(arguments):
        _save(memory, arguments.memory)
    report = examine(ended, trust, _policy(reading), at=None, expected_challenge=_value(reading))
    recorded = _record(
        arguments,
        recording,
        reading,
        ended,
        {"verdict": report.verdict.value, "reasons": [finding.value for finding in report.reasons]},
    )
    if arguments.out:
        _write_evidence(arguments.out, ended)
    keys = _reading_keys(ended) | recorded | _compared(arguments, qr, ended, report)
    print_report(report, keys, as_json=arguments.json)
    return exit_code(report)


def _evidence(
    arguments: argparse.Namespace,
    reading: Reading,
    recording: SessionRecording,
    memory: CardMemory,
) -> ChipEvidence:
    from card_reader.pcsc import CardContact  # the service's library may be absent

    name = _reader_with_card(arguments.reader)
    with CardContact(name, patience=arguments.wait, waiting=_ask_for_card) as contact:
        return read_card(
            recording.over(contact.transport),
            reading.passwords,
            challenge=reading.challenge,
            access_policy=reading.access_policy,
            groups=reading.groups,
            extras=reading.extras,
            memory=None if _is_recorded(arguments) else memory,
            reconnect=lambda: recording.over(contact.reconnect()),
            progress=_show_step,
            recorder=recording.exchange,
            reader=name,
            rng=recording.rng,
        )


def _policy(reading: Reading) -> Policy:
    return Policy(REALM, None, None, access=reading.access_policy)


def _value(reading: Reading) -> bytes | None:
    return reading.challenge.value if reading.challenge else None


# --- what opens the card --------------------------------------------------------------------------


def _passwords(arguments: argparse.Namespace, qr: CitizenQr | None) -> tuple[Password, ...]:
    ways = ("can", "cccd", "doc", "mrz", "qr")
    given = [way for way in ways if getattr(arguments, way) is not None]
    if len(given) != 1:
        raise UnreadableInputError(
            "give exactly one of --can, --cccd, --doc, --mrz and --qr", CardReason.NO_PASSWORD
        )
    today = datetime.now(UTC).date()
    if qr is not None:
        return passwords_of_qr(qr, today=today)
    if arguments.can is not None:
        return (CanPassword(arguments.can),)
    if arguments.mrz is not None:
        return (password_of_mrz(arguments.mrz),)
    if arguments.dob is None:
        raise UnreadableInputError("the date of birth (--dob) is missing", CardReason.NO_PASSWORD)
    if arguments.cccd is not None:
        return cccd_passwords(arguments.cccd, _birth_day(arguments.dob), today=today)
    if arguments.expiry is None:
        raise UnreadableInputError(
            "the date of expiry (--expiry) is missing", CardReason.NO_PASSWORD
        )
    return (MrzPassword(arguments.doc, arguments.dob, arguments.expiry),)


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
    if len(value) != CHALLENGE_LENGTH:
        raise argparse.ArgumentTypeError("a challenge is 16 hexadecimal digits")
    return value


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return seconds


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


# --- what a person sees meanwhile -----------------------------------------------------------------


def _show_step(name: StepName) -> None:
    if sys.stderr.isatty():
        tell(f"\r\x1b[K{name}", end="")


def _ask_for_card() -> None:
    if sys.stderr.isatty():
        tell("\r\x1b[Kthe card has left: put it back", end="")


# --- what is left behind --------------------------------------------------------------------------


def _memory_path() -> Path | None:
    """Below the user's cache, which may be deleted at any time; None for a user without a home."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    try:
        folder = Path(cache) if cache else Path.home() / ".cache"
    except RuntimeError:
        return None
    return folder / "truong-thi" / "card-memory.json"


def _load(path: Path | None) -> CardMemory:
    """What is known of kinds of cards; a damaged memory costs time, never a reading."""
    try:
        return CardMemory.load(path) if path and path.exists() else CardMemory()
    except UnreadableInputError as error:
        tell(f"card-reader: {error}")
        return CardMemory()


def _save(memory: CardMemory, path: Path | None) -> None:
    try:
        if path is not None:
            memory.save(path)
    except UnreadableInputError as error:
        tell(f"card-reader: {error}")


def _is_recorded(arguments: argparse.Namespace) -> bool:
    return bool(arguments.record or arguments.record_unmasked)


def _record(
    arguments: argparse.Namespace,
    recording: SessionRecording,
    reading: Reading,
    ended: ChipEvidence | CardError,
    original: dict[str, object],
) -> dict[str, object]:
    """Write the recordings asked for; one that cannot be masked is said so and not written."""
    if not _is_recorded(arguments):
        return {}
    session = recording.session(reading, ended)
    if arguments.record_unmasked:
        session.save(arguments.record_unmasked)
    if not arguments.record:
        return {"recording": str(arguments.record_unmasked)}
    try:
        mask(session, original=original).save(arguments.record)
    except MaskingFailedError as error:
        tell(f"card-reader: {error}")
        return {"recording": None}
    return {"recording": str(arguments.record)}


def _reading_keys(evidence: ChipEvidence) -> dict[str, object]:
    steps = [
        {"name": s.name, "milliseconds": s.milliseconds, "apdus": s.apdus, "bytes": s.bytes}
        for s in evidence.steps
    ]
    access = evidence.access
    return {
        "access": {
            "protocol": access.protocol.value,
            "downgrade": access.downgrade and access.downgrade.value,
            "mapping": access.mapping and access.mapping.value,
            "password": access.password.value,
            "oid": access.oid,
            "parameter_id": access.parameter_id,
        },
        "files": {name: len(content) for name, content in evidence.files.items()},
        "steps": steps,
        "apdus": sum(step.apdus for step in evidence.steps),
    }


def _compared(
    arguments: argparse.Namespace,
    qr: CitizenQr | None,
    evidence: ChipEvidence,
    report: Report,
) -> dict[str, object]:
    """Card, QR code and what was typed, field by field: of files that EF.SOD covers alone."""
    if qr is None and arguments.cccd is None:
        return {}
    roster = None
    if arguments.cccd is not None:
        roster = RosterEntry("", _birth_day(arguments.dob), arguments.cccd)
    comparison = _comparison(evidence, report, qr, roster)
    return {"comparison": comparison.to_dict()}


def _comparison(
    evidence: ChipEvidence, report: Report, qr: CitizenQr | None, roster: RosterEntry | None
) -> Comparison:
    covered = {
        number: evidence.files[DATA_GROUPS[number].name]
        for number, state in report.data_groups.items()
        if state is DataGroup.MATCH
    }
    zone = details = None
    try:
        zone = dg1.parse(covered[1]) if 1 in covered else None
        details = dg13.parse(covered[13]) if 13 in covered else None
    except CardError as error:
        tell(f"card-reader: {error}")
    return compare(zone, details, qr, roster)


def _write_evidence(folder: Path, evidence: ChipEvidence) -> None:
    _clear(folder)
    for name, content in evidence.files.items():
        write_private(folder / f"{name.replace('/', '-')}.bin", content)
    portrait = _portrait(evidence)
    if portrait is not None:
        suffix = PORTRAIT_SUFFIXES.get(portrait.mime, ".bin")
        write_private(folder / f"portrait{suffix}", portrait.data)
    proof, challenge = evidence.active_authentication, evidence.challenge
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


def _clear(folder: Path) -> None:
    """Nothing of the card that was written here before stands beside this one's files."""
    try:
        for pattern in ("EF.*.bin", "portrait.*", "evidence.json"):
            for file in folder.glob(pattern):
                file.unlink()
    except OSError as error:
        raise UnreadableInputError(
            f"{error.filename} cannot be replaced: {error.strerror}"
        ) from None


def _portrait(evidence: ChipEvidence) -> dg2.FaceImage | None:
    raw = evidence.files.get(DATA_GROUPS[2].name)
    try:
        images: Sequence[dg2.FaceImage] = dg2.parse(raw) if raw else ()
    except CardError:
        return None
    return images[0] if images else None
