"""The server as the terminal of chip authentication: what a station alone saw admits nobody."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from kiosk import Kiosk, RefusalError, accepted_face
from server_world import BACH, PORTRAIT, START, World

from card_reader.chip.terminal_session import TerminalSession
from card_reader.evidence import ChipEvidence
from card_reader.lds import DATA_GROUPS
from card_reader.simulator import defects
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.profile import CardProfile, Defect, data_group_id
from card_reader.simulator.recipe import ChipAuthenticationRecipe, Recipe
from exam_server.audit import AuditEntry
from exam_server.checkin.models import CheckIn, ChipTerminal
from exam_server.checkin.terminal import MAX_RUNS
from exam_server.contract import api
from exam_server.contract.api import CheckInState
from exam_server.contract.errors import ErrorCode
from exam_server.sealing import Sealed
from exam_station.client import ServerRefusedError
from exam_station.terminal import ServerTerminal
from tests.databases import row_of

#: A card whose only proof is chip authentication, over brainpoolP256r1 with AES-128.
RECIPE = Recipe(
    chip_authentication=(ChipAuthenticationRecipe(),),
    active_authentication=None,
)


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    world.open_shift()
    return world.kiosk()


@pytest.fixture(scope="module")
def card(issuer: Issuer) -> CardProfile:
    return issuer.issue(BACH, PORTRAIT.read_bytes(), recipe=RECIPE, now=START)


class Carrier:
    """The station's calls, as the terminal's other end needs them."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk = kiosk

    def begin_terminal(self, request: api.ChipTerminalRequest) -> api.ChipTerminalView:
        return self._kiosk.begin_terminal(request.challenge, request.security_infos)

    def chip_response(self, run: str, response: bytes) -> api.ChipSessionKeys:
        try:
            return self._kiosk.chip_response(run, response)
        except RefusalError as refusal:
            raise ServerRefusedError(refusal.code, str(refusal)) from refusal


def check_in(
    kiosk: Kiosk,
    card: CardProfile,
    *,
    remote: bool,
    changed: Callable[[ChipEvidence], ChipEvidence] = lambda evidence: evidence,
) -> api.CheckInView:
    placement = kiosk.heartbeat().placement
    assert placement is not None
    challenge = kiosk.challenge(placement.id)
    terminal = ServerTerminal(Carrier(kiosk), challenge.id) if remote else None
    raw = kiosk.read(card, placement, challenge, terminal=terminal)
    raw = changed(ChipEvidence.from_bytes(raw)).to_bytes()
    request = kiosk.check_in_request(placement.id, challenge.id, raw, face=accepted_face())
    return kiosk.send_check_in(request)


def report_of(world: World, view: api.CheckInView) -> dict[str, object]:
    with world.server.reading() as session:
        report = row_of(session, CheckIn, view.id).report
    assert report is not None
    return report


def refused(code: ErrorCode, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(RefusalError) as refusal:
        call(*arguments)
    assert refusal.value.code is code


def begun(kiosk: Kiosk, card: CardProfile) -> tuple[api.ChallengeView, api.ChipTerminalView]:
    placement = kiosk.heartbeat().placement
    assert placement is not None
    challenge = kiosk.challenge(placement.id)
    return challenge, kiosk.begin_terminal(challenge.id, card.files[data_group_id(14)])


def test_a_chip_that_proves_itself_to_the_server_is_admitted(
    world: World, kiosk: Kiosk, card: CardProfile
) -> None:
    view = check_in(kiosk, card, remote=True)
    assert (view.state, view.reasons) == (CheckInState.ADMITTED, [])
    report = report_of(world, view)
    assert (report["chip_authentication"], report["active_authentication"]) == ("passed", "absent")


def test_what_a_station_alone_observed_goes_to_the_proctor(
    world: World, kiosk: Kiosk, card: CardProfile
) -> None:
    view = check_in(kiosk, card, remote=False)
    assert (view.state, view.reasons) == (CheckInState.REFERRED, ["chip_not_proven"])
    assert report_of(world, view)["chip_authentication"] == "station_observed"


def test_a_station_cannot_claim_a_run_of_the_server(
    world: World, kiosk: Kiosk, card: CardProfile
) -> None:
    _, other = begun(kiosk, card)

    def claiming(evidence: ChipEvidence) -> ChipEvidence:
        assert evidence.chip_authentication is not None
        claimed = replace(evidence.chip_authentication, session=other.session)
        return replace(evidence, chip_authentication=claimed)

    view = check_in(kiosk, card, remote=False, changed=claiming)
    assert view.state is not CheckInState.ADMITTED
    assert report_of(world, view)["chip_authentication"] != "passed"


def test_a_copy_without_the_chips_key_is_refused_and_the_log_says_so(
    world: World, kiosk: Kiosk, card: CardProfile, issuer: Issuer
) -> None:
    clone = defects.apply(card, Defect.CHIP_KEY_CLONED, issuer=issuer)
    view = check_in(kiosk, clone, remote=True)
    assert view.state is CheckInState.REFUSED
    assert report_of(world, view)["chip_authentication"] == "failed"
    with world.server.reading() as session:
        actions = list(session.scalars(sa.select(AuditEntry.action)))
        assert row_of(session, CheckIn, view.id).chip_refused
    assert "chip_authentication_failed" in actions


def test_one_response_decides_and_no_keys_are_kept_behind_it(
    world: World, kiosk: Kiosk, card: CardProfile
) -> None:
    _, run = begun(kiosk, card)
    refused(ErrorCode.CHIP_NOT_GENUINE, kiosk.chip_response, run.session, b"\x90\x00")
    refused(ErrorCode.CHALLENGE_INVALID, kiosk.chip_response, run.session, b"\x90\x00")
    with world.server.reading() as session:
        row = row_of(session, ChipTerminal, run.session)
        opened = world.server.keys.sealing.unseal(Sealed.CHIP_TERMINAL, row.id, row.sealed)
    assert TerminalSession.from_bytes(opened).proof() is None
    assert TerminalSession.from_bytes(opened)._keys is None


def test_runs_belong_to_a_live_challenge_of_this_station(
    world: World, kiosk: Kiosk, card: CardProfile
) -> None:
    challenge, run = begun(kiosk, card)
    infos = card.files[data_group_id(14)]
    other = world.kiosk(seat="02")
    refused(ErrorCode.CHALLENGE_INVALID, other.begin_terminal, challenge.id, infos)
    refused(ErrorCode.CHALLENGE_INVALID, other.chip_response, run.session, b"\x90\x00")
    refused(ErrorCode.NOT_FOUND, kiosk.chip_response, "f" * 32, b"\x90\x00")
    refused(ErrorCode.EVIDENCE_MALFORMED, kiosk.begin_terminal, challenge.id, b"\x6e\x00")
    for _ in range(MAX_RUNS - 1):
        kiosk.begin_terminal(challenge.id, infos)
    refused(ErrorCode.CHALLENGE_INVALID, kiosk.begin_terminal, challenge.id, infos)
    world.clock.pass_by(seconds=61)
    refused(ErrorCode.CHALLENGE_INVALID, kiosk.chip_response, run.session, b"\x90\x00")


def test_a_run_for_another_chips_key_proves_nothing(
    world: World, kiosk: Kiosk, card: CardProfile, issuer: Issuer
) -> None:
    """A forger's own EF.DG14 passes the run; the authenticated one names another key."""
    forged = issuer.issue(BACH, PORTRAIT.read_bytes(), recipe=RECIPE, now=START)
    genuine = card.files[data_group_id(14)]
    name = DATA_GROUPS[14].name

    def exchanged(evidence: ChipEvidence) -> ChipEvidence:
        files = {**evidence.files, name: genuine, "EF.SOD": card.files[0x011D]}
        files |= {DATA_GROUPS[n].name: card.files[data_group_id(n)] for n in (1, 2, 13)}
        return replace(evidence, files=files)

    view = check_in(kiosk, forged, remote=True, changed=exchanged)
    assert view.state is CheckInState.REFUSED
    assert report_of(world, view)["chip_authentication"] == "failed"
