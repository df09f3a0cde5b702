"""Every centre's rows lie together, and no call of a station looks into two places."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from kiosk import Clock, Desk, Kiosk, RefusalError, accepted_face
from server_world import BACH, CHAU, FIRST, PORTRAIT, ROOT, START, World, load_demo
from sharded import LOGGING, PIECES, Watched, create_in_pieces

from card_reader.evidence import Freshness
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.recipe import ChipAuthenticationRecipe, Recipe
from card_reader.trust.store import TrustStore
from exam_server import auth, db, schema
from exam_server.app import create_app
from exam_server.attempts.keys import (
    attempt_id_of,
    attempt_key_of,
    lease_key_of,
    shift_secret_of,
)
from exam_server.candidates.models import Registration
from exam_server.contract.api import (
    ChallengeView,
    CheckInState,
    ChipSessionKeys,
    ChipTerminalRequest,
    ChipTerminalView,
    Claim,
    HistoryRequest,
    LeaseView,
    LedgerView,
    OfflineCheckIn,
    PlacementView,
    StartedByCode,
)
from exam_server.contract.batches import Batch
from exam_server.contract.evidence_signature import sign_evidence
from exam_server.contract.move_token import MoveToken, SignedMoveToken
from exam_server.contract.offline import checkin_digest, start_proof
from exam_server.contract.records import (
    Answered,
    Opened,
    Record,
    Submitted,
    Visited,
    WritingKeys,
    genesis,
)
from exam_server.forms.models import Realm
from exam_server.keys import ServerKeys
from exam_server.settings import Settings
from exam_server.shards import SHARD_KEY, is_distributed
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.release import ShiftRelease
from exam_server.shifts.room_code import room_code_of
from exam_server.stations import stream
from exam_server.web.visit import SESSION_COOKIE
from exam_station.terminal import ServerTerminal
from rig.postgres import PostgresCluster

TABLES = schema.METADATA.sorted_tables
#: Small, and written between exams; the same on every machine.
REFERENCE = {
    "base_form", "candidate", "centre", "enrolment_secret", "exam", "form", "item", "item_version",
    "paper", "registration", "room", "seat", "staff", "staff_subject", "station", "trust_document",
}  # fmt: skip
#: Not of any centre, and never asked for by a station.
ELSEWHERE = {
    "audit_entry", "audit_seal", "bank_file", "bank_job", "bank_job_item", "item_card",
    "item_event", "item_export", "item_import", "item_statistic", "item_tag", "item_text",
    "item_traits", "staff_session", "topic",
}  # fmt: skip
#: What a candidate's whole way through an exam has to touch.
HOT = {
    "assignment", "attempt", "challenge", "checkin", "head_signature", "journal_record", "lease",
    "ledger_entry", "package", "placement", "receipt", "request_nonce", "shift", "station_status",
}  # fmt: skip


def test_every_table_is_either_distributed_or_the_same_everywhere() -> None:
    distributed = {table.name for table in TABLES if is_distributed(table)}
    assert {table.name for table in TABLES} - distributed == REFERENCE | ELSEWHERE
    assert distributed >= HOT


def test_the_page_on_scaling_names_the_same_tables() -> None:
    page = (ROOT / "docs" / "scaling.md").read_text("utf-8")
    said = [
        set(row.split("|")[2].replace(" ", "").split(","))
        for row in page.split("## What is not distributed")[0].splitlines()
        if row.startswith("| ") and "_" in row
    ]
    distributed = {table.name for table in TABLES if is_distributed(table)}
    assert said == [distributed, REFERENCE, ELSEWHERE]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_keys_of_a_distributed_table_hold_its_centre(table: sa.Table) -> None:
    """What a distributed engine asks of a table (Citus: unique constraints, colocated keys)."""
    for constraint in table.foreign_key_constraints:
        parent = constraint.referred_table
        if not is_distributed(parent):
            continue
        assert is_distributed(table), f"{table.name} is the same everywhere, {parent.name} is not"
        pairs = {(one.parent.name, one.column.name) for one in constraint.elements}
        assert (SHARD_KEY, SHARD_KEY) in pairs, constraint.name
    if not is_distributed(table):
        return
    unique = [one for one in table.constraints if isinstance(one, sa.UniqueConstraint)]
    unique += [one for one in table.indexes if one.unique]
    for key in (table.primary_key, *unique):
        assert SHARD_KEY in {column.name for column in key.columns}, key.name


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    with PostgresCluster(settings=LOGGING) as running:
        yield running


@pytest.fixture
def world(cluster: PostgresCluster, keys: ServerKeys, trust: TrustStore) -> Iterator[World]:
    cluster.drop_database("pieces")
    engine = db.create_engine(cluster.create_database("pieces"))
    create_in_pieces(engine)
    load_demo(engine, keys)
    app = create_app(
        Settings(realm=Realm.TEST, distributed=True), keys, engine, trust, clock := Clock(START)
    )
    with TestClient(app, base_url="https://testserver") as http:
        yield World(app.state.server, http, clock)
    app.state.stop_announcing()
    app.state.stop_announcing_to_stations()
    engine.dispose()


@pytest.mark.postgres
def test_no_call_of_a_station_looks_into_two_places(
    world: World, cluster: PostgresCluster, issue: Callable[..., CardProfile]
) -> None:
    kiosk, watched = world.kiosk(), Watched(cluster)
    world.open_shift()
    watched.statements()
    shift = f"{world.centre_id}.{world.shift_id}"
    watched.statements()
    touched = {"before the start": _of(watched, lambda: _before_the_start(world, kiosk, issue))}
    centre, _, _ = shift.partition(".")
    touched["a pulse"] = _of(watched, lambda: _give_a_pulse(world, centre, kiosk))
    world.start_shift()
    watched.statements()
    touched["the paper"] = _of(watched, lambda: _write_a_paper(world, kiosk, shift))
    with world.server.reading() as session:
        room = session.scalars(sa.select(Placement.room_id).limit(1)).one()
    page = f"/rooms/{world.shift_id}/{room}"
    watched.statements()
    touched["a room's page"] = _of(watched, lambda: _watch_a_room(world, page))
    assert touched["a pulse"] == {"station_status"}
    assert frozenset().union(*touched.values()) >= HOT


def _of(watched: Watched, calls: Callable[[], None]) -> frozenset[str]:
    """The tables that `calls` touched, each statement in one piece at most."""
    calls()
    statements = watched.statements()
    crossing = {one.text for one in statements if len(one.pieces) > 1}
    assert not crossing, "\n\n".join(sorted(crossing))
    return frozenset().union(*(one.tables for one in statements))


def _before_the_start(world: World, kiosk: Kiosk, issue: Callable[..., CardProfile]) -> None:
    # Often enough that PostgreSQL turns to plans that know no values.
    for _ in range(12):
        seat = kiosk.heartbeat()
        world.clock.pass_by(seconds=5)
    for package in seat.packages:
        kiosk.call("GET", f"/packages/{package.id}")
    kiosk.kit()
    view = kiosk.check_in(issue(BACH))
    assert view.attempt is not None
    kiosk.checkin_view(view.id)
    kiosk.lease(view.attempt)
    kiosk.heartbeat()


def _give_a_pulse(world: World, centre: str, kiosk: Kiosk) -> None:
    world.app.state.presence.heard(centre, kiosk.station)
    world.app.state.presence.write()


def _write_a_paper(world: World, kiosk: Kiosk, shift: str) -> None:
    seen = kiosk.heartbeat()
    attempt = seen.placement and seen.placement.attempt
    assert attempt is not None
    assert stream.signal_of(world.server, shift)
    desk, form = kiosk.lease(attempt), kiosk.open_form(attempt)
    desk.send(desk.record(Opened(form.code)))
    for item in form.items[:12]:
        desk.send(desk.record(Visited(item.id)), head=desk.signed_head())
    # Behind what is there already: judged by the rules, record by record.
    again = desk.record(Answered(form.items[-1].id, {"kind": "numeric", "text": "7"}))
    desk.send(again)
    desk.send(again)
    with pytest.raises(RefusalError):
        desk.send_batch(Batch(attempt, 7, (), None).to_bytes(bytes(32)))
    asked = HistoryRequest(after=0)
    assert b"records" in kiosk.call("POST", f"/attempts/{attempt}/history", asked)
    desk.send(desk.record(Submitted("candidate")), head=desk.signed_head())
    desk.submit()
    kiosk.heartbeat()


def _watch_a_room(world: World, page: str) -> None:
    server = world.server
    token = auth.open_session(server.engine, FIRST, now=server.now(), rng=lambda n: bytes(n))
    world.http.cookies.set(SESSION_COOKIE, token)
    for part in ("", "/head", "/seats", "/side"):
        answer = world.http.get(page + part)
        assert answer.status_code == 200


class Carrier:
    """The station's calls, as the other end of the chip's terminal needs them."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk = kiosk

    def begin_terminal(self, request: ChipTerminalRequest) -> ChipTerminalView:
        return self._kiosk.begin_terminal(request.challenge, request.security_infos)

    def chip_response(self, run: str, response: bytes) -> ChipSessionKeys:
        return self._kiosk.chip_response(run, response)


@pytest.mark.postgres
def test_no_call_about_a_chips_terminal_looks_into_two_places(
    world: World, cluster: PostgresCluster, issuer: Issuer
) -> None:
    world.open_shift()
    kiosk, watched = world.kiosk("02"), Watched(cluster)
    recipe = Recipe(chip_authentication=(ChipAuthenticationRecipe(),), active_authentication=None)
    card = issuer.issue(CHAU, PORTRAIT.read_bytes(), recipe=recipe, now=START)
    watched.statements()

    def check_in() -> None:
        placement = kiosk.heartbeat().placement
        assert placement is not None
        challenge = kiosk.challenge(placement.id)
        terminal = ServerTerminal(Carrier(kiosk), challenge.id)
        evidence = kiosk.read(card, placement, challenge, terminal=terminal)
        request = kiosk.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())
        assert kiosk.send_check_in(request).state is CheckInState.ADMITTED

    assert _of(watched, check_in) >= {"chip_terminal", "challenge", "checkin", "attempt"}


@pytest.mark.postgres
def test_no_call_after_a_shift_without_network_looks_into_two_places(
    world: World, cluster: PostgresCluster, issue: Callable[..., CardProfile]
) -> None:
    """Check-in and start by codes; a journal that was carried; the former station and a third one
    that write on all the same."""
    world.open_shift()
    apart, watched = Apart.at(world, world.kiosk()), Watched(cluster)
    checked_in, started = apart.checked_in(issue(BACH)), apart.started()
    former = apart.desk(apart.kiosk, 1)
    others = [world.kiosk(seat, "P.102") for seat in ("05", "06")]
    with world.server.transaction() as session:
        session.execute(sa.delete(Placement).where(Placement.id != apart.placement.id))
    watched.statements()
    touched = _of(watched, lambda: _tell(apart, checked_in, started, former))

    carried = former.record(Visited("i9"))  # the server has not got it
    token = MoveToken(
        apart.attempt, former.kiosk.station, 1, former.next_sequence - 1, former.head, None,
        world.clock.now,
    )  # fmt: skip
    signed = SignedMoveToken.sign(token, former.kiosk.signing).to_bytes()
    claimants = [apart.desk(kiosk, 2, former) for kiosk in others]
    watched.statements()
    touched |= _of(watched, lambda: _claim(claimants, former, signed, carried))
    assert touched >= {
        "checkin", "evidence_record", "journal_record", "lease", "lease_conflict", "ledger_entry",
        "placement", "rival_lease", "station_status",
    }  # fmt: skip


def _tell(apart: "Apart", checked_in: OfflineCheckIn, started: StartedByCode, former: Desk) -> None:
    kiosk = apart.kiosk
    for _ in range(2):  # again, as after an answer that did not come
        kiosk.call("POST", "/checkins/offline", checked_in)
        kiosk.call("POST", f"/attempts/{apart.attempt}/started", started)
    form = kiosk.kit().place_of(apart.attempt)
    former.send(former.record(Opened(form.code)))
    former.send(former.record(Visited("i1")), head=former.signed_head())
    kiosk.heartbeat()


def _claim(claimants: list[Desk], former: Desk, token: bytes, carried: Record) -> None:
    """The first claim is entered; the second one and whoever wrote on are set beside it."""
    for desk in claimants:
        path = f"/attempts/{desk.view.attempt}"
        asked = Claim(token=token, epoch=2, records=[carried.to_bytes()])
        for _ in range(2):
            desk.kiosk.call("POST", f"{path}/claim", asked)
        desk.send(desk.record(Visited("i3")), head=desk.signed_head())
        desk.kiosk.heartbeat()
    claimants[0].kiosk.call(
        "POST", f"/attempts/{former.view.attempt}/history", HistoryRequest(after=0)
    )
    with pytest.raises(RefusalError):
        former.send(former.record(Visited("i4")))
    former.kiosk.heartbeat()


@dataclass
class Apart:
    """A kiosk without network, and what it will have to tell."""

    world: World
    kiosk: Kiosk
    placement: PlacementView
    room: str
    release: ShiftRelease

    @classmethod
    def at(cls, world: World, kiosk: Kiosk) -> "Apart":
        placement = kiosk.heartbeat().placement
        assert placement is not None
        with world.server.reading() as session:
            room = session.scalars(
                sa.select(Placement.room_id).where(Placement.id == placement.id)
            ).one()
            shift = session.scalars(sa.select(Shift)).one()
        return cls(world, kiosk, placement, room, ShiftRelease(shift, world.server.sealing))

    @property
    def attempt(self) -> str:
        return attempt_id_of(self.placement.id)

    def checked_in(self, card: CardProfile) -> OfflineCheckIn:
        keys, shift = self.world.server.keys, self.world.shift_id
        secret = shift_secret_of(keys, shift=shift, station=self.kiosk.station)
        code = room_code_of(keys, shift=shift, room=self.room)
        value = code.challenge(secret, self.placement.id, 1)
        asked = ChallengeView(id="offline", value=value, expires_at=self.world.clock.now)
        evidence = self.kiosk.read(card, self.placement, asked, Freshness.ROOM_CODE)
        told = OfflineCheckIn(
            placement=self.placement.id,
            checked_in_at=self.world.clock.now,
            counter=1,
            evidence=evidence,
            evidence_signature=sign_evidence(
                self.kiosk.signing,
                station=self.kiosk.station,
                placement=self.placement.id,
                evidence=evidence,
            ),
            consent=True,
            face=accepted_face(),
            confirmation=b"",
        )
        word = code.confirmation(secret, self.placement.id, checkin_digest(told))
        return told.model_copy(update={"confirmation": word})

    def started(self) -> StartedByCode:
        at, secret = self.world.clock.now, self.release.start_secret(self.room)
        proof = start_proof(secret, attempt=self.attempt, station=self.kiosk.station, at=at)
        return StartedByCode(started_at=at, proof=proof)

    def desk(self, kiosk: Kiosk, epoch: int, before: Desk | None = None) -> Desk:
        """Writes by the keys of the kit: a station that the server has given no lease."""
        own, attempt = self.world.server.keys, self.attempt
        names = {"shift": self.world.shift_id, "station": kiosk.station, "attempt": attempt}
        lease_key = lease_key_of(own, epoch=epoch, **names)
        keys = WritingKeys(attempt, epoch, lease_key, attempt_key_of(own, attempt))
        view = LeaseView(
            attempt=attempt,
            epoch=epoch,
            lease_key=b"",
            attempt_key=b"",
            next_sequence=1,
            head=genesis(attempt),
            package="package",
            code="0101",
            ledger=LedgerView(allowance=timedelta(minutes=90)),
            server_time=self.world.clock.now,
        )
        next_sequence = before.next_sequence if before else 1
        return Desk(kiosk, view, keys, next_sequence, before.head if before else view.head)


@pytest.mark.postgres
def test_the_planner_tells_of_a_statement_that_looks_everywhere(
    world: World, cluster: PostgresCluster
) -> None:
    """A person's page may: it is how we know that the test above can fail."""
    watched = Watched(cluster)
    with world.server.reading() as session:
        number = session.scalars(sa.select(Registration.id).limit(1)).one()
        watched.statements()
        session.scalars(sa.select(Placement.id).where(Placement.registration_id == number)).one()
    (told,) = [one for one in watched.statements() if "placement" in one.tables]
    assert len(told.pieces) == PIECES
