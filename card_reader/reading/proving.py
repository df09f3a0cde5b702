"""Letting a chip prove itself: chip authentication, then active authentication.

Chip authentication comes first, so that the answer to the challenge travels under the new keys.
It counts once a response under them was authentic, which the answer to the challenge is.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from card_reader.apdu import CommandApdu, ResponseApdu, StatusWord
from card_reader.channel import Channel
from card_reader.chip.active_authentication import internal_authenticate
from card_reader.chip.chip_authentication import (
    PROBE,
    ChipAuthenticationFailedError,
    RemoteOffer,
    RemoteTerminal,
    chip_authentication,
    choose,
    remote_chip_authentication,
)
from card_reader.errors import CardError, ChipError, ReaderError, SecureMessagingError
from card_reader.evidence import ChipAuthenticationRecord
from card_reader.lds import dg14, dg15
from card_reader.lds.security_infos import ChipAuthenticationChoice, chip_keys
from card_reader.secure_messaging import SecureMessaging
from card_reader.trust.keys import RsaKey, parse_public_key

# What chips answer where they do not take the id of their key.
_KEY_ID_REFUSED = frozenset({StatusWord.WRONG_DATA, StatusWord.REFERENCED_DATA_NOT_FOUND})
MAX_RUNS = 4
LOG = logging.getLogger("card_reader")


def has_chip_key(security_infos_file: bytes | None) -> bool:
    """Whether EF.DG14 offers chip authentication in a way known here."""
    try:
        return (
            security_infos_file is not None and choose(dg14.parse(security_infos_file)) is not None
        )
    except CardError:
        return False


class Prover:
    """The proofs of one chip, from the files that were read.

    ``record`` and ``response`` are what evidence keeps, None where a proof was not made; a record
    without response says that the chip's answer under the new keys was not authentic.  A run
    starts from the session that access has opened, and may be repeated after that was lost.
    """

    def __init__(self, channel: Channel, rng: Callable[[int], bytes]) -> None:
        self._channel = channel
        self._rng = rng
        self._runs = 0
        self._failed = False
        self._only_key = True
        self.record: ChipAuthenticationRecord | None = None
        self.response: bytes | None = None

    # --- chip authentication (ICAO 9303-11 §6.2) --------------------------------------------------

    def authenticate_chip(
        self, security_infos_file: bytes, terminal: RemoteTerminal | None
    ) -> None:
        """Agree on new keys and go on under them; a chip that refuses stays under the old ones.

        Whether a missing proof matters is the verifier's question.
        """
        if self._failed:
            return
        self.record = None
        self._runs += 1
        if self._runs > MAX_RUNS:
            return
        try:
            infos = dg14.parse(security_infos_file)
            self._only_key = len(chip_keys(infos)) == 1
            offer = None if terminal is None else self._offer(terminal, security_infos_file)
            if terminal is not None and offer is not None:
                self._with_remote_terminal(terminal, offer)
            elif (choice := choose(infos)) is not None:
                self._with_own_terminal(choice)
        except (SecureMessagingError, ReaderError):
            raise
        except CardError as error:
            LOG.warning("chip authentication was not possible: %s", error.detail)
            self._runs = MAX_RUNS

    def _with_own_terminal(self, choice: ChipAuthenticationChoice) -> None:
        info, key = choice

        def agree(key_id: int | None) -> None:
            named = replace(info, key_id=key_id)
            result = self._channel.run(chip_authentication((named, key), self._rng))
            self._channel.protect(result.session)
            self.record = ChipAuthenticationRecord(
                result.oid, info.key_id, result.terminal_public_key, None, b""
            )

        self._name_key(info.key_id, agree)

    def _name_key(self, key_id: int | None, run: Callable[[int | None], None]) -> None:
        """Name the chip's key as this kind takes it, and where that is refused the other way.

        A key that is one of several is named first, whatever was learnt.
        """
        named = self._channel.strategy.name_chip_key or not self._only_key
        first, other = (key_id, None) if named else (None, key_id)
        try:
            run(first)
        except ChipError:
            if first == other or self._channel.last_status not in _KEY_ID_REFUSED:
                raise
            run(other)
            self._channel.learn(name_chip_key=not named)

    def _offer(self, terminal: RemoteTerminal, security_infos_file: bytes) -> RemoteOffer | None:
        """The server's offer; without it this reader is the terminal, and evidence says so."""
        try:
            return terminal.begin(security_infos_file)
        except CardError as error:
            LOG.warning("no remote terminal for chip authentication: %s", error.detail)
            return None

    def _with_remote_terminal(self, terminal: RemoteTerminal, offer: RemoteOffer) -> None:
        """The server's key goes to the chip, and the chip's first answer to the server."""

        def carry(key_id: int | None) -> None:
            self._channel.run(remote_chip_authentication(replace(offer, key_id=key_id)))

        self._name_key(offer.key_id, carry)
        response = self._channel.send_as_it_is(offer.probe)
        record = ChipAuthenticationRecord(
            offer.oid, offer.key_id, offer.public_key, offer.session, response
        )
        try:
            keys = terminal.release(offer.session, response)
        except ChipAuthenticationFailedError as error:
            self.record = replace(record, response=b"")
            self._failed = True
            raise SecureMessagingError(error.detail) from error
        self._channel.protect(SecureMessaging.of(keys))
        self.record = record

    def confirm(self) -> None:
        """One exchange under the new keys, where there was none."""
        if self._is_unproven:
            self._send(PROBE)

    @property
    def _is_unproven(self) -> bool:
        return self.record is not None and not self.record.response and not self._failed

    # --- active authentication (ICAO 9303-11 §6.1) ------------------------------------------------

    def sign(self, public_key_file: bytes, challenge: bytes) -> None:
        """The chip's answer to the challenge, in the form of command that this kind takes.

        Some chips answer a long signature in the extended form only, or cut it off in the short
        one; some answer nothing in the extended form.
        """
        try:
            public_key = dg15.parse(public_key_file)
            command = internal_authenticate(public_key, challenge)
            rsa = isinstance(parse_public_key(public_key), RsaKey)
        except CardError as error:
            LOG.warning("active authentication is not possible: %s", error.detail)
            self.confirm()
            return
        whole = command.le if rsa and command.le else 1
        for extended in self._forms(command):
            response = self._ask(command, extended)
            if response.ok and len(response.data) > len(self.response or b""):
                self.response = response.data
            if len(self.response or b"") >= whole:
                if extended is not None:
                    self._channel.learn(authenticate_extended=extended)
                return

    def _forms(self, command: CommandApdu) -> tuple[bool | None, ...]:
        """The forms to try: None where the answer fits into the short form in any case."""
        if (command.le or 0) <= self._channel.max_short_data:
            return (None,)
        strategy = self._channel.strategy
        if strategy.extended is False:
            return (False,)
        first = strategy.authenticate_extended is not False
        return (first, not first)

    def _ask(self, command: CommandApdu, extended: bool | None) -> ResponseApdu:
        try:
            return self._send(command, extended=extended)
        except SecureMessagingError:
            if extended is not None:
                self._channel.learn(authenticate_extended=not extended)
            raise

    def _send(self, command: CommandApdu, *, extended: bool | None = None) -> ResponseApdu:
        """Send; the first authentic answer under new keys is what proves chip authentication."""
        unproven = self._is_unproven
        try:
            response = self._channel.send(command, extended=extended)
        except SecureMessagingError:
            refused_form = extended and self._channel.last_status == StatusWord.WRONG_LENGTH
            self._failed = self._failed or (unproven and not refused_form)
            raise
        if unproven and self.record is not None:
            self.record = replace(self.record, response=self._channel.first_response)
        return response
