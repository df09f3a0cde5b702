"""A small server of the contract, in memory, over real TLS: what the station's tests talk to.

It proves every request, keeps records and gives receipts as `exam_server.contract` says. It can be
stopped and started again on the same port, told to refuse, or to forget its answer.
"""

import hashlib
import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.x509.oid import NameOID
from station_papers import FORM, NOON, placement, seat

from exam_server.contract import api, sealed_package
from exam_server.contract.batches import Batch, ReceivedBatch
from exam_server.contract.enrolment import EnrolmentToken
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.ledger import Ledger
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import Record, SignedHead, genesis
from exam_server.contract.requests import RequestProof, RequestRefusedError, check_request
from exam_server.contract.room_code import SECRET_BYTES, RoomCode
from exam_server.contract.room_kit import (
    KitPackage,
    Place,
    RoomKit,
    lease_key,
    lock_content_key,
)
from exam_server.contract.wrapping import Purpose, wrap
from question_bank import package as packages
from rig.ports import own_port

ATTEMPT = "attempt-1"
SECRET = b"the unlock secret of a test machine"


class RefusedError(Exception):
    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code.value)
        self.code = code


def self_signed(folder: Path, now: datetime | None = None) -> tuple[Path, Path, bytes]:
    """Certificate and key as PEM files, and the certificate in DER; made at `now`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another name than the host")])
    now = now or datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    paths = folder / "server.pem", folder / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return *paths, certificate.public_bytes(serialization.Encoding.DER)


Answer = tuple[int, bytes]


class Listener(ThreadingHTTPServer):
    """The port of a StationServer: TLS, a thread for every connection."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, mind: "StationServer") -> None:
        super().__init__(("127.0.0.1", mind.port), Handler)
        self.mind = mind
        self._connections: set[socket.socket] = set()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(mind.cert, mind.key)
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def process_request(self, request: socket.socket, client_address: object) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""

    def cut(self) -> None:
        self.server_close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer = self.server.mind.answer(self.command, self.path, headers, body)
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815 (http.server's name)

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


class StationServer:
    """The server's mind; `serve` and `stop` give it a port."""

    def __init__(self, folder: Path) -> None:
        self.cert, self.key, self.der = self_signed(folder)
        self.signing = Ed25519PrivateKey.generate()
        self.recovery = X25519PrivateKey.generate()
        self.secret = os.urandom(16)
        self.skew = timedelta(0)
        self.refuse: dict[str, ErrorCode] = {}
        self.forget: set[str] = set()
        self.retry_after: float | None = None
        self.evidence: list[Record] = []
        self.calls: list[str] = []
        self.station: api.Enrolment | None = None
        self.nonces: set[bytes] = set()
        self.beats: list[api.Heartbeat] = []
        self.placement = placement()
        self.records: list[Record] = []
        self.batches: list[int] = []
        self.page = 2
        self.spoil: Callable[[Record], bytes] = Record.to_bytes
        self.heads: list[SignedHead] = []
        self.submitted: tuple[bytes, bytes] | None = None
        self.state = api.ShiftState.STARTED
        self.attempt_key, self.shift_secret = os.urandom(32), os.urandom(32)
        self.room_code = RoomCode(os.urandom(SECRET_BYTES))
        self.content_key, self.start_secret = os.urandom(32), os.urandom(13)
        self.kit_changes: dict[str, object] = {}
        self.epoch = self.held = 1
        header = sealed_package.PackageHeader("package-1", "test", "s1", "Toán", "0101")
        self.sealed = sealed_package.seal(
            packages.encode(FORM), header, self.content_key, self.signing, os.urandom(12)
        )
        self.ledger = Ledger(timedelta(minutes=90)).start(self.now())
        self.port = own_port(self)  # the same after a restart
        self._listener: Listener | None = None
        self._turn = threading.Lock()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    # --- its port -------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def token(self) -> EnrolmentToken:
        return EnrolmentToken(self.url, hashlib.sha256(self.der).digest(), self.secret)

    def serve(self) -> None:
        self._listener = Listener(self)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Closes the port and cuts every connection."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.cut()
            self._thread.join(timeout=10)
        self._listener = None

    # --- its answers ----------------------------------------------------------------------------

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Status and body, one call at a time."""
        with self._turn:
            return self._answer(method, path, headers, body)

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        call = path.removeprefix("/api/station/").replace(f"/{ATTEMPT}", "")
        self.calls.append(call)
        try:
            if call != "attempts/records":
                self._prove(method, path, headers, body)
            if call in self.refuse:
                self._set_aside(call, body)
                raise RefusedError(self.refuse[call])
            answer = self._handle(call, body)
        except RefusedError as refusal:
            refused = api.Refusal(
                code=refusal.code,
                message=refusal.code.value,
                server_time=self.now(),
                retry_after=self.retry_after,
            )
            return 409, refused.model_dump_json().encode()
        if call in self.forget:
            self.forget.discard(call)
            return 502, b"the answer was lost"
        return 200, answer if isinstance(answer, bytes) else answer.model_dump_json().encode()

    def _prove(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        if path.endswith("/enrolment"):
            key = api.Enrolment.model_validate_json(body).signing_key
        elif self.station is None:
            raise RefusedError(ErrorCode.UNKNOWN_STATION)
        else:
            key = self.station.signing_key
        try:
            proof = RequestProof.from_headers(headers)
            check_request(
                proof,
                Ed25519PublicKey.from_public_bytes(key),
                method=method,
                target=path,
                body=body,
                now=self.now(),
            )
        except RequestRefusedError as error:
            raise RefusedError(error.code) from error
        if proof.nonce in self.nonces:
            raise RefusedError(ErrorCode.REPLAYED_REQUEST)
        self.nonces.add(proof.nonce)

    def _handle(self, call: str, body: bytes) -> api.Shape | bytes:
        match call:
            case "enrolment":
                return self._enrol(api.Enrolment.model_validate_json(body))
            case "heartbeat":
                self.beats.append(api.Heartbeat.model_validate_json(body))
                return seat(self.placement, self.state, self.now())
            case "kit":
                return self.kit(**self.kit_changes).seal(self.holder, self.signing)
            case "packages/package-1":
                return self.sealed
            case "attempts/lease":
                return self._lease()
            case "attempts/open":
                return self._open()
            case "attempts/history":
                return self._history(api.HistoryRequest.model_validate_json(body))
            case "attempts/records":
                return self._take(self._proven(body))
            case "attempts/submit":
                return self._submit(api.Submission.model_validate_json(body))
        raise RefusedError(ErrorCode.NOT_FOUND)

    def _enrol(self, enrolment: api.Enrolment) -> api.Enrolled:
        if self.station is not None and self.station.signing_key != enrolment.signing_key:
            raise RefusedError(ErrorCode.TOKEN_USED)
        if enrolment.secret != self.secret:
            raise RefusedError(ErrorCode.TOKEN_INVALID)
        self.station = enrolment
        return api.Enrolled(
            station="station-1",
            realm="test",
            name=enrolment.name,
            server_key=self.signing.public_key().public_bytes_raw(),
            recovery_key=self.recovery.public_key().public_bytes_raw(),
            server_time=self.now(),
        )

    @property
    def holder(self) -> X25519PublicKey:
        return X25519PublicKey.from_public_bytes(self.station.wrapping_key)

    @property
    def head(self) -> bytes:
        return self.records[-1].head if self.records else genesis(ATTEMPT)

    @property
    def lease_key(self) -> bytes:
        return lease_key(self.shift_secret, ATTEMPT, self.held)

    def _lease(self) -> api.LeaseView:
        self.held = self.epoch
        epoch = str(self.epoch)
        return api.LeaseView(
            attempt=ATTEMPT,
            epoch=self.epoch,
            lease_key=wrap(self.lease_key, self.holder, Purpose.LEASE_KEY, ATTEMPT, epoch),
            attempt_key=wrap(self.attempt_key, self.holder, Purpose.ATTEMPT_KEY, ATTEMPT),
            next_sequence=len(self.records) + 1,
            head=self.head,
            package="package-1",
            code="0101",
            ledger=api.LedgerView.of(self.ledger),
            server_time=self.now(),
        )

    def _history(self, asked: api.HistoryRequest) -> api.HistoryView:
        page = self.records[asked.after : asked.after + self.page]
        return api.HistoryView(
            records=[self.spoil(record) for record in page],
            sequence=len(self.records),
            head=self.head,
            server_time=self.now(),
        )

    def _open(self) -> api.OpenView:
        if self.state is not api.ShiftState.STARTED:
            raise RefusedError(ErrorCode.NOT_STARTED)
        if self.held != self.epoch:
            raise RefusedError(ErrorCode.LEASE_SUPERSEDED)
        context = ("s1", "station-1")
        return api.OpenView(
            shift="s1",
            start_secret=wrap(self.start_secret, self.holder, Purpose.START_SECRET, *context),
            ledger=api.LedgerView.of(self.ledger),
            server_time=self.now(),
        )

    def kit(self, **changes: object) -> RoomKit:
        """What the station's kit says; the one place of the room is this station's."""
        locked = lock_content_key(
            self.content_key, self.start_secret, shift="s1", package="package-1"
        )
        digest = hashlib.sha256(self.sealed).digest()
        who = self.placement
        place = Place(
            seat="03",
            placement=who.id,
            registration_number=who.registration_number,
            candidate_name=who.candidate_name,
            date_of_birth=who.date_of_birth,
            citizen_number=who.citizen_number,
            paper=who.paper,
            allowance=timedelta(minutes=who.minutes),
            attempt=ATTEMPT,
            code="0101",
            package="package-1",
            sequential=False,
            attempt_key=self.attempt_key,
        )
        fields: dict[str, object] = {
            "realm": "test",
            "shift": "s1",
            "room": "r1",
            "station": "station-1",
            "exam": "Kỳ thi thử",
            "shift_name": "Ca 1",
            "centre": "THPT Chu Văn An",
            "room_name": "P01",
            "seat": "03",
            "starts_at": NOON + timedelta(minutes=15),
            "late_limit": timedelta(minutes=15),
            "programs": (),
            "shift_secret": self.shift_secret,
            "room_code_digest": self.room_code.digest("s1", "r1"),
            "places": (place,),
            "packages": (KitPackage("package-1", digest, len(self.sealed), locked),),
            "stations": (),
        }
        return RoomKit(**(fields | changes))  # type: ignore[arg-type] - any field

    def _proven(self, body: bytes) -> Batch:
        received = ReceivedBatch.from_bytes(body)
        try:
            received.check_mac(self.lease_key)
        except ContractError as error:
            raise RefusedError(ErrorCode.BAD_SIGNATURE) from error
        return received.batch

    def _take(self, batch: Batch) -> api.Acknowledged:
        self.batches.append(len(batch.records))
        for data in batch.records:
            record = Record.from_bytes(data)
            record.check_mac(self.lease_key)
            if record.sequence <= len(self.records):
                if self.records[record.sequence - 1] != record:
                    raise RefusedError(ErrorCode.RECORD_REJECTED)
                continue
            if record.sequence > len(self.records) + 1:
                raise RefusedError(ErrorCode.RECORD_GAP)
            if record.previous != self.head or record.acknowledged > len(self.records):
                raise RefusedError(ErrorCode.RECORD_REJECTED)
            record.open(self.attempt_key)
            self.records.append(record)
        if batch.head is not None:
            self._keep_head(batch.head)
        return api.Acknowledged(
            sequence=len(self.records),
            head=self.head,
            ledger=api.LedgerView.of(self.ledger),
            server_time=self.now(),
        )

    def _set_aside(self, call: str, body: bytes) -> None:
        """What a refused batch holds is evidence."""
        if call == "attempts/records":
            batch = self._proven(body)
            self.evidence += [Record.from_bytes(data) for data in batch.records]

    def _keep_head(self, signed: SignedHead) -> None:
        try:
            signed.check(Ed25519PublicKey.from_public_bytes(self.station.signing_key))
        except ContractError as error:
            raise RefusedError(ErrorCode.RECORD_REJECTED) from error
        if (signed.sequence, signed.head) != (len(self.records), self.head):
            raise RefusedError(ErrorCode.RECORD_GAP)
        self.heads.append(signed)

    def _submit(self, submission: api.Submission) -> api.ReceiptView:
        if self.submitted is None:
            view = submission.head
            self._keep_head(
                SignedHead(ATTEMPT, view.epoch, view.sequence, view.head, view.signature)
            )
            receipt = Receipt(
                ATTEMPT,
                "test",
                "010001",
                "Toán",
                "0101",
                len(self.records),
                self.head,
                1,
                self.now(),
            )
            self.submitted = receipt.to_bytes(), receipt.sign(self.signing)
        body, signature = self.submitted
        return api.ReceiptView(
            receipt=body,
            signature=signature,
            short_code=Receipt.from_bytes(body).short_code,
            server_time=self.now(),
        )
