"""A whole reading of a card, proofs and verification included: commands, seconds, computing.

Writes build/bench/card_read.json: `value` is the time of a reading at 424 kbit/s without the chip's
own computing, in the worst of four combinations (BAC or PACE, extended commands or short ones);
`ceiling` is the time that its bytes alone need in the air.  Each combination is read twice: a card
of an unknown kind, then one of a kind that was read before.  Ends with an error where a limit is
exceeded that does not depend on the machine.

The card's files are as long as those of a citizen card; transport and chip are simulated.  The
host's computing is measured apart, against answers that were written down before.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from statistics import median

from cryptography.hazmat.primitives.serialization import Encoding
from PIL import Image

from card_reader.access.citizen_card import cccd_passwords
from card_reader.access.passwords import MrzPassword
from card_reader.evidence import Challenge, ChipEvidence, Freshness
from card_reader.reader import read_card
from card_reader.reading.strategy import CardMemory
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.recipe import (
    AccessRecipe,
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    PaceRecipe,
    PortraitRecipe,
    Recipe,
    SecurityObjectRecipe,
    SignerRecipe,
)
from card_reader.simulator.signing_keys import KeyKind
from card_reader.simulator.timing import KBIT_424, TimedTransport
from card_reader.simulator.transport import SimulatedTransport
from card_reader.transport import Transport
from card_reader.trust.certificates import parse_certificates
from card_reader.trust.crl import parse_crl
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import ChipProof, Policy, VerifiedIdentity, verify

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
CHALLENGE = Challenge("bench", bytes.fromhex("F173589974BF40C6"), Freshness.SERVER)
PORTRAIT_FILE_BYTES = 18_000  # EF.DG2
RUNS = 9
AIR_RATIO = 1.5
CPU_BUDGET_MS = 150.0


@dataclass(frozen=True, slots=True)
class Combination:
    """How the card is opened and spoken to, and the most commands that a reading may take."""

    pace: bool
    extended: bool
    most_commands: int

    @property
    def name(self) -> str:
        return f"{'pace' if self.pace else 'bac'}_{'extended' if self.extended else 'short'}"


COMBINATIONS = (
    Combination(pace=False, extended=True, most_commands=16),
    Combination(pace=False, extended=False, most_commands=105),
    Combination(pace=True, extended=True, most_commands=18),
    Combination(pace=True, extended=False, most_commands=112),
)


@dataclass(slots=True)
class Measured:
    """One reading; seconds on the simulated clock."""

    evidence: ChipEvidence
    transport: TimedTransport
    portrait_seconds: float = 0.0
    files_behind_portrait: list[str] = field(default_factory=list)


def random_source() -> Callable[[int], bytes]:
    return Random(9303).randbytes


@cache
def issuer() -> Issuer:
    return Issuer.generate(rng=random_source(), now=NOW)


@cache
def trust() -> TrustStore:
    anchors = parse_certificates(issuer().csca.certificate.public_bytes(Encoding.PEM))
    revoked = parse_crl(issuer().crl.public_bytes(Encoding.DER))
    return TrustStore(anchors, crls=[revoked], realm=Realm.TEST)


def holder() -> Holder:
    return Holder(
        "001206012345",
        "Nguyễn Thị Phương Thảo",
        date(2006, 5, 17),
        "M",
        place_of_origin="Xã Tân Hội, huyện Đan Phượng, thành phố Hà Nội",
        residence="Số 27, ngõ 134, đường Nguyễn Trãi, phường Thượng Đình, quận Thanh Xuân, Hà Nội",
        identifying_features="Nốt ruồi cách 2 cm dưới trước mép phải",
        father="Nguyễn Hữu Phước Thành",
        mother="Trần Thị Ngọc Phương Liên",
        spouse="Lê Hoàng Minh Quân",
        old_number="012345678",
    )


def passwords() -> tuple[MrzPassword, ...]:
    return cccd_passwords(holder().number, holder().date_of_birth, today=NOW.date())


@cache
def portrait() -> bytes:
    """The portrait of the fixtures, small enough for its file."""
    image = Image.open(ROOT / "fixtures" / "portrait" / "portrait.jpg")
    file = BytesIO()
    image.save(file, "JPEG", quality=75)
    return file.getvalue()


@cache
def card(combination: Combination) -> CardProfile:
    """EF.SOD of 2,000 bytes, EF.DG2 of 18,000, DG13 of 600, DG14 and DG15 of 300, about."""
    recipe = Recipe(
        signer=SignerRecipe(KeyKind.RSA_3072),
        security_object=SecurityObjectRecipe("sha384"),
        access=AccessRecipe(pace=(PaceRecipe(),) if combination.pace else ()),
        chip_authentication=(
            ChipAuthenticationRecipe(key_id=1),
            ChipAuthenticationRecipe(("CA-ECDH-3DES-CBC-CBC",), key_id=2),
        ),
        active_authentication=ActiveAuthenticationRecipe(KeyKind.RSA_2048),
    )
    short = _issue(recipe)
    missing = PORTRAIT_FILE_BYTES - len(short.files[0x0102])
    profile = _issue(replace(recipe, portrait=PortraitRecipe(padding=missing)))
    quirks = replace(profile.quirks, extended_length=combination.extended)
    return replace(profile, quirks=quirks)


def _issue(recipe: Recipe) -> CardProfile:
    return issuer().issue(holder(), portrait(), recipe=recipe, rng=random_source(), now=NOW)


def read(
    transport: Transport,
    *,
    memory: CardMemory | None = None,
    on_file: Callable[[str, bytes], None] = lambda *_: None,
) -> ChipEvidence:
    """The reader as the kiosk runs it; the same random numbers each time."""
    return read_card(
        transport,
        passwords(),
        challenge=CHALLENGE,
        memory=memory,
        on_file=on_file,
        rng=random_source(),
        now=lambda: NOW,
    )


def proven(evidence: ChipEvidence) -> VerifiedIdentity:
    """The reading's end: an identity, or IdentityRefusedError."""
    policy = Policy(Realm.TEST)
    expected = CHALLENGE.value
    return verify(evidence, trust(), policy, at=NOW, now=NOW, expected_challenge=expected)


def measure(combination: Combination, memory: CardMemory) -> Measured:
    """One reading on the simulated clock, verified."""
    chip = Chip(card(combination), random_source())
    transport = TimedTransport(SimulatedTransport(chip), KBIT_424)
    portrait_seconds: list[float] = []
    behind: list[str] = []

    def note(name: str, _: bytes) -> None:
        if name == "EF.DG2":
            portrait_seconds.append(transport.clock())
        elif portrait_seconds:
            behind.append(name)

    evidence = read(transport, memory=memory, on_file=note)
    report = proven(evidence).report
    if report.active_authentication is not ChipProof.PASSED:
        raise SystemExit("card_read: active authentication did not pass")
    if report.chip_authentication is not ChipProof.STATION_OBSERVED:
        raise SystemExit("card_read: chip authentication did not pass")
    return Measured(evidence, transport, portrait_seconds[0], behind)


class WrittenDown:
    """A card whose answers stand ready: what is left is the reader's own computing."""

    def __init__(self, atr: bytes, answers: Mapping[bytes, bytes]) -> None:
        self.atr = atr
        self._answers = answers

    def transmit(self, command: bytes) -> bytes:
        return self._answers[command]

    def close(self) -> None:
        """Nothing to close."""


class _WritingDown:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.answers: dict[bytes, bytes] = {}

    @property
    def atr(self) -> bytes:
        return self._transport.atr

    def transmit(self, command: bytes) -> bytes:
        self.answers[command] = answer = self._transport.transmit(command)
        return answer

    def close(self) -> None:
        self._transport.close()


def host_milliseconds(combination: Combination) -> tuple[float, float]:
    """The host's processor time for the reading, and for verifying what was read (median)."""
    writing = _WritingDown(SimulatedTransport(Chip(card(combination), random_source())))
    read(writing)
    canned = WrittenDown(writing.atr, writing.answers)
    reading, verifying = [], []
    for _ in range(RUNS + 1):
        begin = time.process_time()
        evidence = read(canned)
        middle = time.process_time()
        proven(evidence)
        verifying.append((time.process_time() - middle) * 1000)
        reading.append((middle - begin) * 1000)
    return median(reading[1:]), median(verifying[1:])  # the first warms up


def figures(combination: Combination) -> dict[str, object]:
    memory = CardMemory()
    unknown, known = measure(combination, memory), measure(combination, memory)
    reading, verifying = host_milliseconds(combination)
    timing = known.transport.timing
    own = (timing.total - timing.chip) * 1000 + reading + verifying
    return {
        "most_commands": combination.most_commands,
        "commands_unknown_kind": unknown.transport.timing.apdus,
        "commands_known_kind": timing.apdus,
        "steps": {step.name: step.apdus for step in known.evidence.steps},
        "file_bytes": {name: len(raw) for name, raw in known.evidence.files.items()},
        "air_ms": round(timing.air * 1000, 1),
        "reading_ms": round(own, 1),
        "ratio": round(own / (timing.air * 1000), 3),
        "chip_computing_ms": round(timing.chip * 1000, 1),
        "ratio_with_chip": round((own + timing.chip * 1000) / (timing.air * 1000), 3),
        "host_cpu_ms": round(reading + verifying, 1),
        "host_cpu_read_ms": round(reading, 1),
        "host_cpu_verify_ms": round(verifying, 1),
        "portrait_ms": round(known.portrait_seconds * 1000, 1),
        "whole_ms": round(timing.total * 1000, 1),
        "files_behind_portrait": known.files_behind_portrait,
        "within_limits": max(unknown.transport.timing.apdus, timing.apdus)
        <= combination.most_commands,
    }


def main() -> int:
    details = {item.name: figures(item) for item in COMBINATIONS}
    worst = max(details.values(), key=lambda item: float(str(item["ratio"])))
    cpu = max(float(str(item["host_cpu_ms"])) for item in details.values())
    exceeded = [name for name, item in details.items() if not item["within_limits"]]
    result = {
        "name": "card_read",
        "value": worst["reading_ms"],
        "unit": "ms per reading at 424 kbit/s, without the chip's computing",
        "ceiling": worst["air_ms"],
        "ratio": worst["ratio"],
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": details
        | {
            "most_ratio": AIR_RATIO,
            "most_host_cpu_ms": CPU_BUDGET_MS,
            "within_budget": float(str(worst["ratio"])) <= AIR_RATIO and cpu < CPU_BUDGET_MS,
        },
    }
    target = ROOT / "build" / "bench" / "card_read.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    if exceeded:
        print(f"card_read: too many commands: {', '.join(exceeded)}", file=sys.stderr)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
