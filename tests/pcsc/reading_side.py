"""What the reading process does. Arguments and results are plain values that can be pickled."""

import queue
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

from card_reader import pcsc
from card_reader.access.citizen_card import cccd_passwords
from card_reader.errors import CardError, ReaderError
from card_reader.evidence import Challenge, ChipEvidence, Freshness
from card_reader.reader import read_card
from card_reader.transport import Transport
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import IdentityRefusedError, IdentityUnprovenError, Policy, verify

SECONDS = 60.0  # on a busy machine
CHALLENGE = bytes.fromhex("F173589974BF40C6")


def readers() -> list[tuple[str, bool]]:
    return [(state.name, state.card_present) for state in pcsc.list_readers()]


def wait_empty(index: int) -> bool:
    """Whether pcscd has noticed that the slot is empty; it looks every 0.4 s."""
    deadline = time.monotonic() + SECONDS
    while pcsc.list_readers()[index].card_present:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def connected(index: int) -> pcsc.PcscTransport:
    """The card in a slot, waiting for pcscd to notice it."""
    deadline = time.monotonic() + SECONDS
    while True:
        states = pcsc.list_readers()
        if states[index].card_present or time.monotonic() > deadline:
            return pcsc.connect(states[index].name)
        time.sleep(0.02)


def raw(index: int, commands: list[bytes]) -> tuple[bytes, list[bytes]]:
    """Answer to reset, and the responses to plain commands."""
    with connected(index) as transport:
        return transport.atr, [transport.transmit(command) for command in commands]


def microseconds_per_command(index: int, count: int) -> float:
    """What three of four commands take at least: whatever else the machine does, a few are slow."""
    select = bytes.fromhex("00A4040C07A0000002471001")
    spans = []
    with connected(index) as transport:
        for _ in range(count):
            started = time.perf_counter()
            transport.transmit(select)
            spans.append((time.perf_counter() - started) * 1e6)
    return statistics.quantiles(spans)[0]


def events(count: int) -> list[tuple[str, str, bytes]]:
    """The next events of insertion and removal."""
    heard: queue.Queue[pcsc.CardEvent] = queue.Queue()
    wanted = (pcsc.CardEventKind.INSERTED, pcsc.CardEventKind.REMOVED)
    found: list[tuple[str, str, bytes]] = []
    with pcsc.CardMonitor(heard.put):
        while len(found) < count:
            event = heard.get(timeout=SECONDS)
            if event.kind in wanted:
                found.append((event.kind.value, event.reader, event.atr))
    return found


def read_and_verify(index: int, trust_folder: str) -> dict[str, Any]:
    """The whole main job of the reader; errors by their reason."""
    try:
        with connected(index) as transport:
            evidence = _read(transport)
    except CardError as error:
        return {"verdict": None, "reason": error.reason.value, "message": str(error)}
    folders = [Path(trust_folder) / name for name in ("home", "foreign")]
    trust = TrustStore.load(
        [folder / "csca.pem" for folder in folders],
        crls=[folder / "crl.pem" for folder in folders],
        realm=Realm.TEST,
    )
    try:
        identity = verify(
            evidence, trust, Policy(Realm.TEST), at=None, expected_challenge=CHALLENGE
        )
    except (IdentityRefusedError, IdentityUnprovenError) as error:
        return error.report.to_dict()
    return identity.report.to_dict() | {
        "number": identity.personal_number,
        "name": identity.full_name,
        "portrait": identity.portrait,
    }


def read_torn(index: int) -> str:
    """Why the reading of a card that is torn off ends."""
    try:
        with connected(index) as transport:
            _read(transport)
    except ReaderError as error:
        return error.reason.value
    return "read to the end"


def read_patiently(index: int, patience: float) -> dict[str, Any]:
    """Read a card that may leave and come back; errors by their reason."""
    with connected(index):  # wait until pcscd has noticed the card
        name = pcsc.list_readers()[index].name
    waits: list[None] = []
    with pcsc.CardContact(name, patience=patience, waiting=lambda: waits.append(None)) as contact:
        try:
            evidence = _read(contact.transport, reconnect=contact.reconnect)
        except CardError as error:
            return {"reason": error.reason.value, "waits": len(waits)}
    return {
        "reason": None,
        "waits": len(waits),
        "files": dict(evidence.files),
        "access": evidence.access.protocol.value,
        "chip_authentication": evidence.chip_authentication is not None,
        "active_authentication": evidence.active_authentication is not None,
        "apdus": sum(step.apdus for step in evidence.steps),
    }


def _read(transport: Transport, **options: Any) -> ChipEvidence:
    birth = date(2006, 5, 17)
    passwords = cccd_passwords("001206012345", birth, today=date.today())
    challenge = Challenge("pcsc-test", CHALLENGE, Freshness.STATION)
    return read_card(transport, passwords, challenge=challenge, **options)
