"""Whole readings: the order of steps, how many commands, what is learnt, what policies allow."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from card_reader.access.passwords import CanPassword, MrzPassword
from card_reader.apdu import CommandApdu
from card_reader.chip.chip_authentication import RemoteOffer
from card_reader.chip.terminal_session import TerminalSession
from card_reader.errors import (
    AccessDeniedError,
    CardError,
    CardReason,
    ReaderError,
    UnsupportedAlgorithmError,
)
from card_reader.evidence import AccessPolicy, AccessProtocol, Challenge, ChipEvidence, Downgrade
from card_reader.lds import EF_ATR_INFO, EF_COM, EF_DIR
from card_reader.reader import StepName, read_card
from card_reader.reading.strategy import CardMemory
from card_reader.secure_messaging import SessionKeys
from card_reader.simulator import defects
from card_reader.simulator.catalogue import profile_with, recipe_with
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.presets import PRESETS
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.simulator.recipe import Recipe
from card_reader.simulator.transport import SimulatedTransport
from card_reader.transport import Transport
from card_reader.trust.findings import Finding
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import ChipProof, Policy, Report, Verdict, examine

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)  # as in conftest.py
Passwords = tuple[MrzPassword, ...]
Make = Callable[..., CardProfile]
CAN = CanPassword("123456")


@pytest.fixture(scope="module")
def make(issuer: Issuer, holder: Holder, portrait: bytes) -> Make:
    """A citizen card of a preset, with quirks."""
    made: dict[tuple[str, ...], CardProfile] = {}

    def issue(preset: str, *quirks: str) -> CardProfile:
        if (preset, *quirks) not in made:
            recipe: Recipe = recipe_with(PRESETS[preset].recipe, *quirks)
            card = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
            made[preset, *quirks] = profile_with(card, *quirks)
        return made[preset, *quirks]

    return issue


@pytest.fixture(scope="module")
def bac_card(make: Make) -> CardProfile:
    return make("vietnam")


@pytest.fixture(scope="module")
def pace_card(make: Make) -> CardProfile:
    return make("vietnam-2024-pace")


def read(
    card: CardProfile | Transport, passwords: Any, challenge: Challenge | None, **options: Any
) -> ChipEvidence:
    transport = SimulatedTransport(Chip(card)) if isinstance(card, CardProfile) else card
    return read_card(transport, passwords, challenge=challenge, now=lambda: NOW, **options)


def judge(evidence: ChipEvidence, trust: TrustStore, **options: Any) -> Report:
    policy = Policy(Realm.TEST, access=options.pop("access", AccessPolicy.BAC_IF_NOT_OFFERED))
    challenge = evidence.challenge
    expected = challenge.value if challenge else None
    return examine(evidence, trust, policy, at=NOW, now=NOW, expected_challenge=expected, **options)


def apdus(evidence: ChipEvidence) -> int:
    return sum(step.apdus for step in evidence.steps)


class Wire:
    """A transport that keeps what passes it and may do something before a command."""

    def __init__(self, card: CardProfile, before: Callable[[int], None] = lambda count: None):
        self._inner = SimulatedTransport(Chip(card))
        self._before = before
        self.commands: list[CommandApdu] = []

    @property
    def atr(self) -> bytes:
        return self._inner.atr

    def transmit(self, command: bytes) -> bytes:
        self._before(len(self.commands))
        self.commands.append(CommandApdu.from_bytes(command))
        return self._inner.transmit(command)

    def close(self) -> None:
        self._inner.close()


# --- the order of things --------------------------------------------------------------------------


def test_the_steps_of_pace(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    announced: list[str] = []
    handed: list[str] = []
    evidence = read(
        pace_card,
        passwords,
        challenge,
        progress=announced.append,
        on_file=lambda name, content: handed.append(name),
    )
    assert announced == [
        "EF.CardAccess",
        "EF.ATR/INFO",
        "access",
        "select_application",
        "EF.SOD",
        "EF.DG1",
        "EF.DG2",
        "EF.DG14",
        "EF.DG15",
        "EF.DG13",
        "chip_authentication",
        "active_authentication",
    ]
    assert [step.name for step in evidence.steps] == announced
    # The portrait is handed over before the remaining groups are read.
    assert handed.index("EF.DG2") < handed.index("EF.DG14")
    assert evidence.access.protocol is AccessProtocol.PACE


def test_steps_add_up_to_what_passed(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    wire = Wire(pace_card)
    evidence = read(wire, passwords, challenge)
    assert apdus(evidence) == len(wire.commands)


def test_files_that_nobody_needs_are_read_where_they_are_wanted(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    wanted = (EF_COM, EF_ATR_INFO, EF_DIR)
    evidence = read(pace_card, passwords, challenge, extras=wanted)
    assert "EF.COM" in evidence.files
    assert [step.name for step in evidence.steps][-1] == "EF.COM"
    assert "EF.ATR/INFO" in evidence.files
    assert "EF.DIR" not in evidence.files  # this card has none
    assert "EF.COM" not in read(pace_card, passwords, challenge).files


def test_no_secret_is_logged(
    pace_card: CardProfile,
    passwords: Passwords,
    challenge: Challenge,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        caplog.at_level(logging.DEBUG, logger="card_reader.traffic"),
    ):
        evidence = read(pace_card, passwords, challenge)
    assert "00B09C00" in caplog.text
    text = caplog.text.upper()
    for secret in (passwords[0].document_number, passwords[0].date_of_expiry, "NGUYEN"):
        assert secret not in text
    assert evidence.files["EF.DG1"][5:20].hex().upper() not in text


# --- how many commands ----------------------------------------------------------------------------


def budget(evidence: ChipEvidence, block: int) -> int:
    """Commands for the files alone, the application's and the chip's proofs with them."""
    skipped = ("EF.CardAccess", "EF.ATR/INFO")
    sizes = [len(content) for name, content in evidence.files.items() if name not in skipped]
    return sum(-(-size // block) for size in sizes)


@pytest.mark.parametrize(
    ("preset", "quirks", "first", "later", "block"),
    [
        # SELECT 1, BAC 2, active authentication 1; EF.CardAccess 3 at first, 1 on a known kind
        ("vietnam", (), 7, 5, 32_767),
        # ... and a vain probe of the extended form; the signature in two pieces
        ("vietnam", ("no_extended_length",), 8, 6, 231),
        # EF.CardAccess 1, EF.ATR/INFO 1, PACE 5, SELECT 1, chip authentication 2, active 1
        ("vietnam-2024-pace", (), 11, 10, 32_767),
        ("vietnam-2024-pace", ("no_extended_length",), 14, 11, 223),
    ],
)
def test_how_many_commands_a_card_takes(
    make: Make,
    passwords: Passwords,
    challenge: Challenge,
    preset: str,
    quirks: tuple[str, ...],
    first: int,
    later: int,
    block: int,
) -> None:
    card, memory = make(preset, *quirks), CardMemory()
    evidence = read(card, passwords, challenge, memory=memory)
    assert apdus(evidence) <= budget(evidence, block) + first
    evidence = read(card, passwords, challenge, memory=memory)
    assert apdus(evidence) <= budget(evidence, block) + later


def test_no_probe_is_made_twice_on_a_known_kind(
    make: Make, passwords: Passwords, challenge: Challenge
) -> None:
    """A kind that refuses much at first is refused nothing from then on."""
    card, memory = make("vietnam-2024-pace", "reads_of_160", "select_with_le_refused"), CardMemory()
    statuses: list[int] = []

    class Listening(Wire):
        def transmit(self, command: bytes) -> bytes:
            response = super().transmit(command)
            statuses.append(int.from_bytes(response[-2:], "big"))
            return response

    read(Listening(card), passwords, challenge, memory=memory)
    assert 0x6700 in statuses
    statuses.clear()
    read(Listening(card), passwords, challenge, memory=memory)
    pieces = {sw for sw in statuses if sw >> 8 == 0x61}  # of the signature
    assert set(statuses) - pieces <= {0x9000, 0x6282}


# --- which protocol opens the chip ----------------------------------------------------------------


def test_a_can_opens_pace_and_never_bac(
    pace_card: CardProfile, bac_card: CardProfile, challenge: Challenge
) -> None:
    assert read(pace_card, (CAN,), challenge).access.password == "can"
    with pytest.raises(AccessDeniedError) as caught:
        read(bac_card, (CAN,), challenge)
    assert caught.value.reason is CardReason.NO_PASSWORD


@pytest.mark.parametrize("quirk", ["pace_refused", "pace_fails"])
def test_a_failed_pace_becomes_bac_only_where_the_policy_says_so(
    make: Make,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    caplog: pytest.LogCaptureFixture,
    quirk: str,
) -> None:
    card = make("vietnam-2024-pace", quirk)
    for policy in (AccessPolicy.PACE_ONLY, AccessPolicy.BAC_IF_NOT_OFFERED):
        wire = Wire(card)
        with pytest.raises(CardError):
            read(wire, passwords[:1], challenge, access_policy=policy)
        assert 0x84 not in {item.ins for item in wire.commands}  # GET CHALLENGE, of BAC
    evidence = read(card, passwords[:1], challenge, access_policy=AccessPolicy.BAC_AFTER_FAILURE)
    assert evidence.access.protocol is AccessProtocol.BAC
    assert evidence.access.downgrade is Downgrade.PACE_FAILED
    assert "although it offers PACE: pace_failed" in caplog.text
    assert judge(evidence, trust).verdict is Verdict.REFUSED
    report = judge(evidence, trust, access=AccessPolicy.BAC_AFTER_FAILURE)
    assert report.verdict is Verdict.AUTHENTIC
    assert Finding.ACCESS_DOWNGRADED in report.reasons


def test_a_disturbed_pace_does_not_pass_for_an_unknown_one(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    """Whoever stands between card and reader cannot enforce BAC."""

    class Disturbed(Wire):
        def transmit(self, command: bytes) -> bytes:
            response = super().transmit(command)
            if self.commands[-1].cla == 0x10 and len(response) > 60:
                return response[:20] + bytes([response[20] ^ 1]) + response[21:]
            return response

    wire = Disturbed(pace_card)
    with pytest.raises(CardError):
        read(wire, passwords[:1], challenge)
    assert 0x84 not in {item.ins for item in wire.commands}


def test_a_card_without_pace_is_not_read_where_pace_is_demanded(
    bac_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    with pytest.raises(UnsupportedAlgorithmError):
        read(bac_card, passwords, challenge, access_policy=AccessPolicy.PACE_ONLY)


def test_a_card_access_that_cannot_be_read_is_no_leave_for_bac(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    damaged = replace(pace_card, master_files={0x011C: bytes.fromhex("3103020100")})
    with pytest.raises(CardError):
        read(damaged, passwords, challenge)


def test_an_unknown_pace_is_named_as_the_reason(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    unknown = bytes.fromhex("31143012060A04007F0007020204020202010202017F")
    card = replace(pace_card, master_files={0x011C: unknown})
    access = read(card, passwords, challenge).access
    assert (access.protocol, access.downgrade) == (
        AccessProtocol.BAC,
        Downgrade.PACE_UNSUPPORTED,
    )


@pytest.mark.parametrize("preset", ["vietnam", "vietnam-2024-pace"])
def test_wrong_passwords_are_tried_and_given_up(
    make: Make, passwords: Passwords, challenge: Challenge, preset: str
) -> None:
    wrong = [replace(passwords[0], date_of_expiry=f"3001{day:02}") for day in range(1, 21)]
    assert read(make(preset), (*wrong[:3], *passwords), challenge).files["EF.DG1"]
    wire = Wire(make(preset))
    with pytest.raises(AccessDeniedError):
        read(wire, wrong, challenge)
    last_step = 0x82 if preset == "vietnam" else 0x86
    tokens = [item for item in wire.commands if item.ins == last_step and item.cla == 0x00]
    assert len(tokens) == 10


def test_a_chip_that_slows_down_or_counts_is_left_alone(
    make: Make, passwords: Passwords, challenge: Challenge
) -> None:
    wrong = [replace(passwords[0], date_of_expiry=f"3001{day:02}") for day in range(1, 21)]
    ticks = iter(range(0, 10_000, 6))
    wire = Wire(make("vietnam"))
    with pytest.raises(AccessDeniedError, match="slows down"):
        read(wire, wrong, challenge, clock=lambda: float(next(ticks)))
    assert [item.ins for item in wire.commands].count(0x82) == 1
    wire = Wire(make("vietnam", "passwords_counted"))
    with pytest.raises(AccessDeniedError):
        read(wire, wrong, challenge)
    assert [item.ins for item in wire.commands].count(0x82) <= 6


# --- the chip's proofs ----------------------------------------------------------------------------


def test_chip_authentication_is_confirmed_by_the_answer_to_the_challenge(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    wire = Wire(pace_card)
    evidence = read(wire, passwords, challenge)
    record = evidence.chip_authentication
    assert record is not None
    assert record.session is None
    assert len(record.response) > 200
    assert wire.commands[-1].ins == 0x88
    report = judge(evidence, trust)
    assert report.chip_authentication is ChipProof.STATION_OBSERVED
    assert report.active_authentication is ChipProof.PASSED


def test_chip_authentication_is_confirmed_without_a_challenge_too(
    pace_card: CardProfile, passwords: Passwords
) -> None:
    evidence = read(pace_card, passwords, None)
    assert evidence.active_authentication is None
    assert evidence.chip_authentication is not None
    assert evidence.chip_authentication.response.endswith(b"\x90\x00")


def test_a_chip_without_the_key_fails_and_is_read_on(
    pace_card: CardProfile,
    issuer: Issuer,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
) -> None:
    forged = defects.apply(pace_card, Defect.CLONE, issuer=issuer, now=NOW)
    evidence = read(forged, passwords, challenge)
    report = judge(evidence, trust)
    assert report.verdict is Verdict.REFUSED
    assert Finding.ACTIVE_AUTHENTICATION_FAILED in report.reasons
    other = tuple(replace(key, private_key=key.private_key - 1) for key in pace_card.chip_keys)
    evidence = read(replace(pace_card, chip_keys=other), passwords, challenge)
    assert evidence.chip_authentication is not None
    assert evidence.chip_authentication.response == b""
    report = judge(evidence, trust)
    assert report.verdict is Verdict.REFUSED
    assert report.chip_authentication is ChipProof.FAILED
    assert report.active_authentication is ChipProof.PASSED  # under the keys of access


class Server:
    """The server's half of chip authentication, in the same process."""

    def __init__(self) -> None:
        self.session: TerminalSession | None = None
        self.responses: list[bytes] = []

    def begin(self, security_infos_file: bytes) -> RemoteOffer:
        self.session = TerminalSession.create(security_infos_file)
        return self.session.offer

    def release(self, session: str, response: bytes) -> SessionKeys:
        assert self.session is not None
        assert session == self.session.offer.session
        self.responses.append(response)
        return self.session.release(response)


def test_a_server_is_convinced_by_the_chip(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    server = Server()
    evidence = read(pace_card, passwords, challenge, terminal=server)
    assert evidence.chip_authentication is not None
    assert server.responses == [evidence.chip_authentication.response]
    assert server.session is not None
    report = judge(evidence, trust, remote=server.session.proof())
    assert report.chip_authentication is ChipProof.PASSED
    assert report.active_authentication is ChipProof.PASSED


def test_a_server_is_not_convinced_by_another_chip(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    other = tuple(replace(key, private_key=key.private_key - 1) for key in pace_card.chip_keys)
    server = Server()
    evidence = read(replace(pace_card, chip_keys=other), passwords, challenge, terminal=server)
    assert server.session is not None
    assert server.session.proof() is None
    assert judge(evidence, trust).chip_authentication is ChipProof.FAILED


def test_without_the_server_the_station_is_the_terminal(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    class Unreachable(Server):
        def begin(self, security_infos_file: bytes) -> RemoteOffer:
            raise CardError("the server does not answer")

    evidence = read(pace_card, passwords, challenge, terminal=Unreachable())
    assert evidence.chip_authentication is not None
    assert evidence.chip_authentication.session is None
    assert judge(evidence, trust).chip_authentication is ChipProof.STATION_OBSERVED


@pytest.mark.parametrize(
    "quirks",
    [
        ("signature_empty_at_longest_le",),
        ("signature_truncated",),
        ("signature_wants_exact_le",),
        ("no_extended_length",),
        ("responses_in_pieces",),
        ("protected_pieces",),
    ],
)
def test_a_long_signature_comes_from_every_kind_of_card(
    make: Make,
    passwords: Passwords,
    challenge: Challenge,
    trust: TrustStore,
    quirks: tuple[str, ...],
) -> None:
    """2048 bits do not fit into one short protected response."""
    memory = CardMemory()
    card = make("vietnam-2024-pace", *quirks)
    for _ in range(2):
        evidence = read(card, passwords, challenge, memory=memory)
        assert judge(evidence, trust).active_authentication is ChipProof.PASSED


# --- what goes wrong with a reader ----------------------------------------------------------------


def test_a_reader_that_passes_no_extended_commands_is_no_obstacle(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    class ShortReader(Wire):
        def transmit(self, command: bytes) -> bytes:
            if CommandApdu.from_bytes(command).extended:
                raise ReaderError("too long", CardReason.READER_FAILED)
            return super().transmit(command)

    evidence = read(ShortReader(pace_card), passwords, challenge)
    assert judge(evidence, trust).verdict is Verdict.AUTHENTIC


def test_a_reader_that_loses_the_card_over_extended_commands_is_no_obstacle(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge, trust: TrustStore
) -> None:
    class LosingReader(Wire):
        def transmit(self, command: bytes) -> bytes:
            if CommandApdu.from_bytes(command).extended:
                raise ReaderError("silence", CardReason.CARD_REMOVED)
            return super().transmit(command)

    evidence = read(
        LosingReader(pace_card),
        passwords,
        challenge,
        reconnect=lambda: LosingReader(pace_card),
    )
    assert judge(evidence, trust).verdict is Verdict.AUTHENTIC


def test_without_a_new_contact_the_old_one_is_tried_in_the_short_form(
    pace_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    class NotTransacting(Wire):
        def transmit(self, command: bytes) -> bytes:
            if CommandApdu.from_bytes(command).extended:
                raise ReaderError("not transacted", CardReason.CARD_REMOVED)
            return super().transmit(command)

    assert read(NotTransacting(pace_card), passwords, challenge).files["EF.DG2"]


def test_a_card_that_gives_little_at_a_time_is_not_read_for_ever(
    bac_card: CardProfile, passwords: Passwords, challenge: Challenge
) -> None:
    class Endless:
        atr = b""

        def __init__(self) -> None:
            self.count = 0

        def transmit(self, command: bytes) -> bytes:
            self.count += 1
            return b"\x31\x82\xff\xff"[:1] * (self.count > 1) + b"\x61\x01"

        def close(self) -> None:
            self.count = 0

    card = Endless()
    with pytest.raises(CardError):
        read(card, passwords, challenge)
    assert card.count <= 10_000


def test_the_names_of_steps_are_those_of_files() -> None:
    assert StepName("EF.ATR/INFO") is StepName.ATR_INFO
