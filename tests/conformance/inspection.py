"""The inspection of one card, in the process that reads; arguments and results can be pickled."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from card_reader import pcsc
from card_reader.access.passwords import Password
from card_reader.channel import Exchange
from card_reader.errors import CardError
from card_reader.evidence import (
    Access,
    AccessPolicy,
    Challenge,
    ChipAuthenticationRecord,
    ChipEvidence,
    Freshness,
)
from card_reader.lds import ElementaryFile
from card_reader.reader import DEFAULT_GROUPS, read_card
from card_reader.report import Report
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import IdentityRefusedError, IdentityUnprovenError, Policy, verify

SECONDS = 60.0
CHALLENGE = Challenge("conformance", bytes.fromhex("F173589974BF40C6"), Freshness.STATION)


@dataclass(frozen=True, slots=True)
class Order:
    """What to inspect and with what.

    ``reader`` counts the readers; ``trust`` is a folder with a folder for each issuer (csca.pem,
    and crl.pem where there is one); ``passwords`` come likeliest first.  ``strict`` refuses what is
    wrong in form alone; ``document_codes`` are the kinds of document accepted, None for all.
    """

    reader: int
    trust: Path
    passwords: tuple[Password, ...]
    groups: Sequence[int] = DEFAULT_GROUPS
    access_policy: AccessPolicy = AccessPolicy.BAC_IF_NOT_OFFERED
    extras: Sequence[ElementaryFile] = ()
    strict: bool = False
    document_codes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the reason why reading ended early, or the verifier's report.

    ``commands`` are those of the whole conversation, without their protection; ``report`` has the
    keys of ``card-reader verify``.
    """

    commands: tuple[bytes, ...]
    reason: str | None = None
    message: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)
    access: Access | None = None
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    chip_authentication: ChipAuthenticationRecord | None = None

    @property
    def verdict(self) -> str | None:
        return self.report.get("verdict")

    @property
    def findings(self) -> frozenset[str]:
        return frozenset(self.report.get("reasons", ()))


Inspect = Callable[..., Outcome]  # the fixture `inspect`


def inspect(order: Order) -> Outcome:
    """Read the card and verify what was read."""
    commands: list[bytes] = []

    def record(exchange: Exchange) -> None:
        commands.append(exchange.plain_command or exchange.command)

    try:
        with _connected(order.reader) as transport:
            evidence = read_card(
                transport,
                order.passwords,
                challenge=CHALLENGE,
                groups=order.groups,
                access_policy=order.access_policy,
                extras=order.extras,
                recorder=record,
            )
    except CardError as error:
        return Outcome(tuple(commands), error.reason.value, str(error))
    report = _verified(evidence, order)
    return Outcome(
        tuple(commands),
        report=report.to_dict(),
        access=evidence.access,
        files=dict(evidence.files),
        chip_authentication=evidence.chip_authentication,
    )


def is_empty(index: int) -> bool:
    """Whether pcscd has noticed that the slot is empty."""
    deadline = time.monotonic() + SECONDS
    while pcsc.list_readers()[index].card_present:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _verified(evidence: ChipEvidence, order: Order) -> Report:
    """Of every state, since the plan's cards are passports."""
    policy = Policy(
        Realm.TEST, None, order.document_codes, access=order.access_policy, strict=order.strict
    )
    trust = _trust(order.trust)
    try:
        identity = verify(evidence, trust, policy, at=None, expected_challenge=CHALLENGE.value)
    except (IdentityRefusedError, IdentityUnprovenError) as error:
        return error.report
    return identity.report


@cache
def _trust(folder: Path) -> TrustStore:
    issuers = sorted(path for path in folder.iterdir() if path.is_dir())
    return TrustStore.load(
        [issuer / "csca.pem" for issuer in issuers],
        crls=[path for issuer in issuers if (path := issuer / "crl.pem").exists()],
        realm=Realm.TEST,
    )


def _connected(index: int) -> pcsc.PcscTransport:
    """The card in a slot, waiting for pcscd to notice it."""
    deadline = time.monotonic() + SECONDS
    while True:
        states = pcsc.list_readers()
        if states[index].card_present or time.monotonic() > deadline:
            return pcsc.connect(states[index].name)
        time.sleep(0.02)
