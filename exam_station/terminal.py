"""The server as the terminal of chip authentication, seen from the station, which carries bytes.

The server's own run is what convinces it that the chip is genuine (DESIGN: `ca_remote`).
"""

from card_reader.chip.chip_authentication import ChipAuthenticationFailedError, RemoteOffer
from card_reader.errors import MalformedFileError
from card_reader.secure_messaging import Cipher, SessionKeys
from exam_server.contract.api import ChipTerminalRequest
from exam_server.contract.errors import ErrorCode
from exam_station.client import Client, ServerRefusedError


class ServerTerminal:
    """A `card_reader` RemoteTerminal under one challenge.

    Raises CardError for what the server finds wrong with the card, ClientError for the rest.
    """

    def __init__(self, client: Client, challenge: str) -> None:
        self._client = client
        self._challenge = challenge

    def begin(self, security_infos_file: bytes) -> RemoteOffer:
        request = ChipTerminalRequest(challenge=self._challenge, security_infos=security_infos_file)
        try:
            view = self._client.begin_terminal(request)
        except ServerRefusedError as refusal:
            if refusal.code is ErrorCode.EVIDENCE_MALFORMED:
                raise MalformedFileError(str(refusal)) from refusal
            raise
        return RemoteOffer(view.session, view.oid, view.key_id, view.public_key, view.probe)

    def release(self, session: str, response: bytes) -> SessionKeys:
        try:
            view = self._client.chip_response(session, response)
        except ServerRefusedError as refusal:
            if refusal.code is ErrorCode.CHIP_NOT_GENUINE:
                raise ChipAuthenticationFailedError(str(refusal)) from refusal
            raise
        return SessionKeys(Cipher(view.cipher), view.ks_enc, view.ks_mac, view.ssc)
