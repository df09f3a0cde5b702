"""A station as the server sees it: real signatures, evidence and records, over any client."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import BaseModel

from card_reader.access.citizen_card import cccd_passwords
from card_reader.chip.chip_authentication import RemoteTerminal
from card_reader.evidence import Challenge, Freshness
from card_reader.reader import read_card
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.transport import SimulatedTransport
from exam_server.contract import api
from exam_server.contract.batches import CONTENT_TYPE, Batch
from exam_server.contract.enrolment import EnrolmentToken
from exam_server.contract.evidence_signature import sign_evidence
from exam_server.contract.program import program_version
from exam_server.contract.records import Answered, Body, Record, SignedHead, WritingKeys
from exam_server.contract.requests import NONCE_BYTES, STATION_HEADER, sign_request
from exam_server.contract.room_kit import RoomKit, open_kit
from exam_server.contract.sealed_package import unseal
from exam_server.contract.wrapping import Purpose, unwrap
from question_bank import package
from question_bank.package import PresentedForm

PREFIX = "/api/station"


@dataclass
class Clock:
    """A clock that moves when told to."""

    now: datetime = datetime(2026, 12, 5, 0, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **by: float) -> None:
        self.now += timedelta(**by)


class RefusalError(Exception):
    """The server's refusal, as the test meets it."""

    def __init__(self, status: int, refusal: api.Refusal) -> None:
        super().__init__(f"{status} {refusal.code}: {refusal.message}")
        self.status = status
        self.code = refusal.code


def accepted_face(**changes: Any) -> api.FaceRecord:
    fields: dict[str, Any] = {
        "decision": "accept",
        "score": 0.31,
        "accept_threshold": 0.38,
        "refer_threshold": 0.50,
        "fusion": "mean_of_three_four_views",
        "model": "ab" * 32,
        "frames": 9,
        "attempts": 1,
        "quality": {"sharpness": 0.9},
    }
    return api.FaceRecord(**{**fields, **changes})


@dataclass
class Kiosk:
    """One station with its keys. `http` is a TestClient or an httpx.Client."""

    http: httpx.Client
    clock: Clock
    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    wrapping: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    station: str = "new"
    server_key: bytes = b""
    staged: list[str] = field(default_factory=list)

    def send(self, method: str, path: str, body: bytes = b"", **changes: Any) -> httpx.Response:
        """One signed request; `changes` spoil the proof on purpose."""
        target = PREFIX + path
        proof = sign_request(
            changes.get("key", self.signing),
            station=changes.get("station", self.station),
            method=changes.get("signed_method", method),
            target=changes.get("signed_target", target),
            body=changes.get("signed_body", body),
            now=changes.get("now", self.clock.now),
            nonce=changes.get("nonce", os.urandom(NONCE_BYTES)),
        )
        return self.http.request(method, target, content=body, headers=proof.headers())

    def call(self, method: str, path: str, shape: BaseModel | None = None, **changes: Any) -> bytes:
        body = shape.model_dump_json().encode() if shape else b""
        response = self.send(method, path, body, **changes)
        if response.status_code != 200:
            refusal = api.Refusal.model_validate_json(response.content)
            raise RefusalError(response.status_code, refusal)
        return response.content

    def enrol(self, token: EnrolmentToken, **changes: Any) -> api.Enrolled:
        enrolment = api.Enrolment(
            secret=token.secret,
            signing_key=self.signing.public_key().public_bytes_raw(),
            wrapping_key=self.wrapping.public_key().public_bytes_raw(),
            name="máy 1",
            program_version=program_version(),
        )
        answer = self.call("POST", "/enrolment", enrolment, **changes)
        enrolled = api.Enrolled.model_validate_json(answer)
        self.station, self.server_key = enrolled.station, enrolled.server_key
        return enrolled

    def heartbeat(self, **changes: Any) -> api.SeatView:
        fields: dict[str, Any] = {
            "state": api.StationState.IDLE,
            "program_version": program_version(),
            "reader_ready": True,
            "camera_ready": True,
            "staged": self.staged,
        }
        beat = api.Heartbeat(**{**fields, **changes})
        view = api.SeatView.model_validate_json(self.call("POST", "/heartbeat", beat))
        self.staged = [package.id for package in view.packages]  # by the next one they are here
        return view

    def challenge(self, placement: str) -> api.ChallengeView:
        asked = api.ChallengeRequest(placement=placement)
        return api.ChallengeView.model_validate_json(self.call("POST", "/challenges", asked))

    def begin_terminal(self, challenge: str, security_infos: bytes) -> api.ChipTerminalView:
        asked = api.ChipTerminalRequest(challenge=challenge, security_infos=security_infos)
        return api.ChipTerminalView.model_validate_json(self.call("POST", "/terminals", asked))

    def chip_response(self, run: str, response: bytes) -> api.ChipSessionKeys:
        answer = self.call(
            "POST", f"/terminals/{run}/response", api.ChipResponse(response=response)
        )
        return api.ChipSessionKeys.model_validate_json(answer)

    def read(
        self,
        card: CardProfile,
        seat: api.PlacementView,
        challenge: api.ChallengeView,
        freshness: Freshness = Freshness.SERVER,
        *,
        terminal: RemoteTerminal | None = None,
    ) -> bytes:
        """Evidence of a real reading of a simulated chip."""
        assert seat.citizen_number is not None
        evidence = read_card(
            SimulatedTransport(Chip(card)),
            cccd_passwords(seat.citizen_number, seat.date_of_birth, today=self.clock.now.date()),
            challenge=Challenge(challenge.id, challenge.value, freshness),
            terminal=terminal,
            reader="simulated",
            now=self.clock,
        )
        return evidence.to_bytes()

    def check_in_request(
        self,
        placement: str,
        challenge: str,
        evidence: bytes,
        *,
        face: api.FaceRecord | None = None,
        consent: bool = True,
        captures: tuple[bytes, ...] = (),
    ) -> api.CheckInRequest:
        return api.CheckInRequest(
            placement=placement,
            challenge=challenge,
            evidence=evidence,
            evidence_signature=sign_evidence(
                self.signing, station=self.station, placement=placement, evidence=evidence
            ),
            consent=consent,
            face=face,
            captures=list(captures),
        )

    def send_check_in(self, request: api.CheckInRequest) -> api.CheckInView:
        return api.CheckInView.model_validate_json(self.call("POST", "/checkins", request))

    def check_in(self, card: CardProfile, **changes: Any) -> api.CheckInView:
        """From the tap to the server's verdict."""
        placement = self.heartbeat().placement
        assert placement is not None
        challenge = self.challenge(placement.id)
        evidence = self.read(card, placement, challenge)
        fields: dict[str, Any] = {"face": accepted_face(), **changes}
        return self.send_check_in(
            self.check_in_request(placement.id, challenge.id, evidence, **fields)
        )

    def checkin_view(self, checkin: str) -> api.CheckInView:
        return api.CheckInView.model_validate_json(self.call("GET", f"/checkins/{checkin}"))

    def lease(self, attempt: str) -> "Desk":
        view = api.LeaseView.model_validate_json(self.call("POST", f"/attempts/{attempt}/lease"))
        keys = WritingKeys(
            attempt=view.attempt,
            epoch=view.epoch,
            lease_key=unwrap(
                view.lease_key, self.wrapping, Purpose.LEASE_KEY, view.attempt, str(view.epoch)
            ),
            attempt_key=unwrap(view.attempt_key, self.wrapping, Purpose.ATTEMPT_KEY, view.attempt),
        )
        return Desk(self, view, keys, view.next_sequence, view.head)

    def open_form(self, attempt: str) -> PresentedForm:
        opened = api.OpenView.model_validate_json(self.call("POST", f"/attempts/{attempt}/open"))
        secret = unwrap(
            opened.start_secret, self.wrapping, Purpose.START_SECRET, opened.shift, self.station
        )
        kit = self.kit()
        own = kit.place_of(attempt).package
        sealed = self.call("GET", f"/packages/{own}")
        _, body = unseal(sealed, kit.content_key(own, secret), self.server)
        return package.decode(body)

    def kit(self) -> RoomKit:
        """The station's room kit, as the server gives it now."""
        return open_kit(self.call("GET", "/kit"), self.server, self.wrapping)

    @property
    def server(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.server_key)


@dataclass
class Desk:
    """A lease in use: writes records that follow one another.

    `sender` proves batches; it stays as it was where a test forges the records' `keys`.
    """

    kiosk: Kiosk
    view: api.LeaseView
    keys: WritingKeys
    next_sequence: int
    head: bytes
    sender: WritingKeys = field(init=False)

    def __post_init__(self) -> None:
        self.sender = self.keys

    def record(self, body: Body, **changes: Any) -> Record:
        """The next record; with `changes` one that does not follow, and nothing moves on."""
        fields: dict[str, Any] = {
            "sequence": self.next_sequence,
            "previous": self.head,
            "acknowledged": 0,
            "at": round(self.kiosk.clock.now.timestamp() * 1000),
            "rng": os.urandom,
        }
        record = self.keys.seal(body, **{**fields, **changes})
        if not changes:
            self.next_sequence, self.head = record.sequence + 1, record.head
        return record

    def answer(self, item: str, response: dict[str, Any] | None) -> Record:
        return self.record(Answered(item, response))

    def send(self, *records: Record | bytes, head: SignedHead | None = None) -> api.Acknowledged:
        raw = [one if isinstance(one, bytes) else one.to_bytes() for one in records]
        batch = Batch(self.sender.attempt, self.sender.epoch, tuple(raw), head)
        return self.send_batch(batch.to_bytes(self.sender.lease_key))

    def send_batch(self, body: bytes) -> api.Acknowledged:
        """The records' call with this body, whatever it is."""
        response = self.kiosk.http.post(
            f"{PREFIX}/attempts/{self.view.attempt}/records",
            content=body,
            headers={"content-type": CONTENT_TYPE, STATION_HEADER: self.kiosk.station},
        )
        if response.status_code != 200:
            refusal = api.Refusal.model_validate_json(response.content)
            raise RefusalError(response.status_code, refusal)
        return api.Acknowledged.model_validate_json(response.content)

    def signed_head(self, key: Ed25519PrivateKey | None = None) -> SignedHead:
        return SignedHead.sign(
            key or self.kiosk.signing,
            attempt=self.view.attempt,
            epoch=self.view.epoch,
            sequence=self.next_sequence - 1,
            head=self.head,
        )

    def submit(self) -> api.ReceiptView:
        path = f"/attempts/{self.view.attempt}/submit"
        signed = self.signed_head()
        view = api.HeadView(
            epoch=signed.epoch,
            sequence=signed.sequence,
            head=signed.head,
            signature=signed.signature,
        )
        submission = api.Submission(head=view)
        return api.ReceiptView.model_validate_json(self.kiosk.call("POST", path, submission))
