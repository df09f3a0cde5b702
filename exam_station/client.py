"""The station's calls to its server: signed requests over one TLS connection pool that trusts
exactly one certificate. Bodies are never logged.
"""

import hashlib
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from exam_server.contract import api
from exam_server.contract.batches import CONTENT_TYPE
from exam_server.contract.errors import UNABLE, ErrorCode
from exam_server.contract.requests import NONCE_BYTES, STATION_HEADER, sign_request
from exam_station.clock import ServerClock
from exam_station.event_stream import HTTPS_PORT, EventStream, NotAsAgreedError
from exam_station.vault import Vault

TIMEOUT = httpx.Timeout(10.0, connect=3.0)
#: What may come out of an exchange where there is no network, or another server.
UNREACHABLE = (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError)
MAX_ANSWER_BYTES = 80 * 1024 * 1024

#: OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which `ssl` has no name.
NO_CHECK_TIME = 0x200000

Answer = TypeVar("Answer", bound=BaseModel)


class ClientError(Exception):
    """A call that brought no answer to work with; the message says why."""


class ServerUnreachableError(ClientError):
    """No connection, no answer in time, or not the word of the server that this station knows."""


class ServerRefusedError(ClientError):
    """The server's own no, with its code from the contract."""

    def __init__(self, code: ErrorCode, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


def tells_nothing(error: ClientError) -> bool:
    """Whether the server has said nothing of what was asked: it is not there, or cannot answer."""
    if isinstance(error, ServerRefusedError):
        return error.code in UNABLE
    return isinstance(error, ServerUnreachableError)


def pinned_context(certificate: bytes) -> ssl.SSLContext:
    """TLS 1.3 that believes `certificate` (DER) and nothing else.

    The certificate itself is the anchor (partial chain), and no other authority is loaded. Its
    name is not compared with the host: who holds the pinned key is the server, at whatever
    address it is reached. Nor are its dates compared with the clock: the pin is the trust and ends
    with the enrolment, while a station's wall clock may be wrong by years (an empty battery) and
    must not cut it off from the server that would tell it the time.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(certificate))
    return context


def fetch_certificate(url: str, fingerprint: bytes) -> bytes:
    """The server's certificate (DER), if it is the one with this SHA-256.

    Only a TLS handshake takes place; nothing of the station or the token is sent.
    """
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what it shows is compared with the token right below
    address = (parts.hostname or "", parts.port or HTTPS_PORT)
    try:
        with (
            socket.create_connection(address, timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secured,
        ):
            certificate = secured.getpeercert(binary_form=True) or b""
    except OSError as error:
        raise ServerUnreachableError(
            f"The server at {url} does not answer; check the address and the network."
        ) from error
    if hashlib.sha256(certificate).digest() != fingerprint:
        raise ServerUnreachableError(
            f"The server at {url} is not the one this token was made for; "
            "check the network, or ask for a new token."
        )
    return certificate


class Client:
    """One station's calls. Every method raises ServerUnreachableError or ServerRefusedError.

    Safe to use from several threads.
    """

    def __init__(
        self, vault: Vault, clock: ServerClock, rng: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._station = vault.station
        self._key = vault.signing
        self._clock = clock
        self._rng = rng
        self._url, self._tls = vault.url, pinned_context(vault.certificate)
        self._http = httpx.Client(
            base_url=vault.url,
            verify=self._tls,
            timeout=TIMEOUT,
            trust_env=False,
            follow_redirects=False,
        )

    def close(self) -> None:
        self._http.close()

    def enrol(self, enrolment: api.Enrolment) -> api.Enrolled:
        return self._post("/api/station/enrolment", enrolment, api.Enrolled)

    def heartbeat(self, heartbeat: api.Heartbeat) -> api.SeatView:
        return self._post("/api/station/heartbeat", heartbeat, api.SeatView)

    def kit(self) -> bytes:
        """The sealed room kit for this station."""
        return self._call("GET", "/api/station/kit", b"")

    def package(self, package: str) -> bytes:
        """The sealed bytes, as the server has them."""
        return self._call("GET", f"/api/station/packages/{package}", b"")

    def challenge(self, placement: str) -> api.ChallengeView:
        body = api.ChallengeRequest(placement=placement)
        return self._post("/api/station/challenges", body, api.ChallengeView)

    def begin_terminal(self, request: api.ChipTerminalRequest) -> api.ChipTerminalView:
        return self._post("/api/station/terminals", request, api.ChipTerminalView)

    def chip_response(self, run: str, response: bytes) -> api.ChipSessionKeys:
        body = api.ChipResponse(response=response)
        return self._post(f"/api/station/terminals/{run}/response", body, api.ChipSessionKeys)

    def check_in(self, request: api.CheckInRequest) -> api.CheckInView:
        return self._post("/api/station/checkins", request, api.CheckInView)

    def checkin(self, checkin: str) -> api.CheckInView:
        return self._get(f"/api/station/checkins/{checkin}", api.CheckInView)

    def check_in_offline(self, told: api.OfflineCheckIn) -> api.CheckInView:
        return self._post("/api/station/checkins/offline", told, api.CheckInView)

    def started_by_code(self, attempt: str, started: api.StartedByCode) -> api.LedgerView:
        target = f"/api/station/attempts/{attempt}/started"
        return self._post(target, started, api.LedgerView)

    def lease(self, attempt: str) -> api.LeaseView:
        return self._post(f"/api/station/attempts/{attempt}/lease", None, api.LeaseView)

    def open(self, attempt: str) -> api.OpenView:
        return self._post(f"/api/station/attempts/{attempt}/open", None, api.OpenView)

    def claim(self, attempt: str, claim: api.Claim) -> api.ClaimView:
        """Shows the token with which an attempt was carried here."""
        return self._post(f"/api/station/attempts/{attempt}/claim", claim, api.ClaimView)

    def history(self, attempt: str, after: int) -> api.HistoryView:
        """The records behind number `after`, a page of them; for the holder of the lease."""
        asked = api.HistoryRequest(after=after)
        return self._post(f"/api/station/attempts/{attempt}/history", asked, api.HistoryView)

    def send_records(self, attempt: str, batch: bytes) -> api.Acknowledged:
        """`batch` as `contract.batches` makes it; its own MAC proves it, so it goes unsigned.

        The station names itself, so that the server knows in which centre to look.
        """
        target = f"/api/station/attempts/{attempt}/records"
        sent = self._clock.elapsed
        headers = {"content-type": CONTENT_TYPE, STATION_HEADER: self._station}
        data = self._exchange("POST", target, batch, headers)
        return self._understood(data, api.Acknowledged, sent)

    def submit(self, attempt: str, submission: api.Submission) -> api.ReceiptView:
        return self._post(f"/api/station/attempts/{attempt}/submit", submission, api.ReceiptView)

    @contextmanager
    def events(self) -> Iterator[EventStream]:
        """The stream of what is new; it goes on until one side ends it.

        What the block meets in the stream comes out as the errors of every other call.
        """
        target = "/api/station/events"
        headers = self._signed("POST", target, b"")
        sent = self._clock.elapsed
        try:
            with EventStream.connect(self._url, self._tls) as stream:
                status = stream.ask(self._url, target, headers)
                if status != httpx.codes.OK:
                    raise self._refusal(stream.refusal(), status, sent)
                yield stream
        except OSError as error:
            raise _unreachable(error) from error
        except NotAsAgreedError as error:
            raise ServerRefusedError(
                ErrorCode.INTERNAL, f"The server's stream does not follow the contract: {error}."
            ) from error

    def _post(self, target: str, body: BaseModel | None, kind: type[Answer]) -> Answer:
        data = b"" if body is None else body.model_dump_json().encode()
        return self._timed("POST", target, data, kind)

    def _get(self, target: str, kind: type[Answer]) -> Answer:
        return self._timed("GET", target, b"", kind)

    def _timed(self, method: str, target: str, body: bytes, kind: type[Answer]) -> Answer:
        sent = self._clock.elapsed
        return self._understood(self._call(method, target, body), kind, sent)

    def _understood(self, data: bytes, kind: type[Answer], sent: float) -> Answer:
        received = self._clock.elapsed
        try:
            answer = kind.model_validate_json(data)
        except ValidationError as error:
            raise ServerRefusedError(
                ErrorCode.INTERNAL, "The server's answer does not follow the contract."
            ) from error
        server_time = getattr(answer, "server_time", None)
        if server_time is not None:
            self._clock.hear(server_time, sent=sent, received=received)
        return answer

    def _call(self, method: str, target: str, body: bytes) -> bytes:
        """One request, and once more where only its proof was of no use: the station's idea of
        the time was wrong, or something on the way sent it twice."""
        try:
            return self._once(method, target, body)
        except ServerRefusedError as refusal:
            if refusal.code not in (ErrorCode.STALE_REQUEST, ErrorCode.REPLAYED_REQUEST):
                raise
            return self._once(method, target, body)

    def _once(self, method: str, target: str, body: bytes) -> bytes:
        headers = self._signed(method, target, body)
        if body:
            headers["content-type"] = "application/json"
        return self._exchange(method, target, body, headers)

    def _signed(self, method: str, target: str, body: bytes) -> dict[str, str]:
        return sign_request(
            self._key,
            station=self._station,
            method=method,
            target=target,
            body=body,
            now=self._clock.signing_time(),
            nonce=self._rng(NONCE_BYTES),
        ).headers()

    def _exchange(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> bytes:
        sent = self._clock.elapsed
        try:
            with self._http.stream(method, target, content=body, headers=headers) as response:
                data = _read(response)
        except UNREACHABLE as error:
            raise _unreachable(error) from error
        if response.is_success:
            return data
        raise self._refusal(data, response.status_code, sent)

    def _refusal(self, data: bytes, status: int, sent: float) -> ClientError:
        try:
            refusal = api.Refusal.model_validate_json(data)
        except ValidationError:
            if status >= httpx.codes.INTERNAL_SERVER_ERROR:
                # Of whatever stands before the server, or of one that is being stopped.
                return ServerUnreachableError(f"The server does not answer ({status}); check it.")
            return ServerRefusedError(ErrorCode.INTERNAL, f"The server answered {status}.")
        self._clock.hear(refusal.server_time, sent=sent, received=self._clock.elapsed)
        return ServerRefusedError(refusal.code, refusal.message, refusal.retry_after)


def _unreachable(error: Exception) -> ServerUnreachableError:
    return ServerUnreachableError(
        f"The server does not answer ({type(error).__name__}); check the network."
    )


def _read(response: httpx.Response) -> bytes:
    data = bytearray()
    for piece in response.iter_bytes():
        data += piece
        if len(data) > MAX_ANSWER_BYTES:
            raise ServerRefusedError(ErrorCode.INTERNAL, "The server's answer is too long.")
    return bytes(data)
