"""A server as the terminal of chip authentication, so that the proof convinces the server.

The server draws the ephemeral key, keeps its private half, and hands out the public half with
one command wrapped under the new keys.  Only a chip that holds the private key of EF.DG14 can
answer that command with a right MAC; a station cannot, since it knows neither private key.  The
session keys are released after that check, once, so that the station can go on reading.

Whose chip that was, passive authentication of the same EF.DG14 says: :class:`RemoteProof` names
the key, and :func:`card_reader.verify.verify` compares it with the authenticated file.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import cbor2

from card_reader.apdu import ResponseApdu
from card_reader.chip.chip_authentication import (
    PROBE,
    ChipAuthenticationFailedError,
    RemoteOffer,
    agree,
    choose,
    new_keys,
)
from card_reader.errors import (
    CardError,
    CardReason,
    ChipError,
    MalformedEvidenceError,
)
from card_reader.lds import dg14
from card_reader.secure_messaging import Cipher, SecureMessaging, SessionKeys

DOMAIN = "truong-thi/terminal-session"
SCHEMA = 1
MAX_SESSION = 8192
MAX_SECURITY_INFOS = 16 * 1024
_ID_BYTES = 16


class SessionState(StrEnum):
    """A session waits for one response, and is then either proven or spent."""

    OFFERED = "offered"
    PROVEN = "proven"
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class RemoteProof:
    """What a server knows of its own run: the chip that answered holds the key ``spki``."""

    session: str
    oid: str
    key_id: int | None
    spki: bytes
    terminal_public_key: bytes


@dataclass(slots=True)
class TerminalSession:
    """One run of chip authentication on the server.  Not for use by several threads.

    ``keys`` stand behind the probe's command and are gone once a response was looked at.
    """

    offer: RemoteOffer
    spki: bytes
    state: SessionState
    _keys: SessionKeys | None = field(repr=False)

    @classmethod
    def create(
        cls, security_infos_file: bytes, rng: Callable[[int], bytes] = os.urandom
    ) -> "TerminalSession":
        """Begin over an EF.DG14 as a station sent it; CardError where it offers nothing usable.

        The file is not authenticated yet: :meth:`proof` says for which key the run was.
        """
        if len(security_infos_file) > MAX_SECURITY_INFOS:
            raise ChipError("EF.DG14 is too large", CardReason.TOO_LARGE)
        choice = choose(dg14.parse(security_infos_file))
        if choice is None:
            raise ChipError("the chip offers no chip authentication", CardReason.FILE_MISSING)
        info, chip_key = choice
        name = rng(_ID_BYTES).hex()
        key = agree(chip_key.spki, rng)
        session = SecureMessaging.of(new_keys(info, key))
        probe = session.wrap(PROBE).to_bytes()
        offer = RemoteOffer(name, info.oid, info.key_id, key.public_key, probe)
        return cls(offer, chip_key.spki, SessionState.OFFERED, session.keys)

    def release(self, response: bytes) -> SessionKeys:
        """The session's keys for the chip's raw response to the probe.

        The first response decides, right or wrong: a second call raises ChipError.  A response
        whose MAC is wrong raises ChipAuthenticationFailedError.
        """
        keys, self._keys = self._keys, None
        if keys is None or self.state is not SessionState.OFFERED:
            raise ChipError("this run of chip authentication was used before")
        self.state = SessionState.SPENT
        session = SecureMessaging.of(keys)
        try:
            session.unwrap(ResponseApdu.from_bytes(response))
        except CardError as error:
            raise ChipAuthenticationFailedError(
                f"the chip's response under the new keys does not hold: {error.detail}"
            ) from error
        self.state = SessionState.PROVEN
        return session.keys

    def proof(self) -> RemoteProof | None:
        """What the run proved, None as long as it proved nothing."""
        if self.state is not SessionState.PROVEN:
            return None
        offer = self.offer
        return RemoteProof(offer.session, offer.oid, offer.key_id, self.spki, offer.public_key)

    def to_bytes(self) -> bytes:
        """For the server's database; holds the session keys while the run waits: a secret."""
        offer, keys = self.offer, self._keys
        secret = keys and [keys.cipher.value, keys.ks_enc, keys.ks_mac, keys.ssc]
        return cbor2.dumps(
            [
                DOMAIN,
                SCHEMA,
                [offer.session, offer.oid, offer.key_id, offer.public_key, offer.probe],
                self.spki,
                self.state.value,
                secret,
            ],
            canonical=True,
        )

    @classmethod
    def from_bytes(cls, raw: bytes) -> "TerminalSession":
        """Strict inverse of :meth:`to_bytes`; other bytes raise MalformedEvidenceError."""
        if len(raw) > MAX_SESSION:
            raise MalformedEvidenceError("the terminal session is too large", CardReason.TOO_LARGE)
        try:
            domain, schema, offer, spki, state, secret = cbor2.loads(raw, max_depth=4)
            if (domain, schema) != (DOMAIN, SCHEMA):
                raise MalformedEvidenceError("the bytes are no terminal session known here")
            keys = None if secret is None else SessionKeys(Cipher(secret[0]), *secret[1:])
            session = cls(RemoteOffer(*offer), spki, SessionState(state), keys)
            exact = session.to_bytes() == raw
        except (cbor2.CBORError, ValueError, TypeError, OverflowError, LookupError) as error:
            raise MalformedEvidenceError("the terminal session is damaged") from error
        if not exact or (keys is not None) != (session.state is SessionState.OFFERED):
            raise MalformedEvidenceError("the terminal session is damaged")
        return session
