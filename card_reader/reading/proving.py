"""Letting a chip prove itself: chip authentication, then active authentication.

Chip authentication comes first, so that the answer to the challenge travels under the new keys.
It counts once a response under them was authentic, which the answer to the challenge is.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

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
from card_reader.lds.security_infos import (
    ChipAuthenticationChoice,
    ChipAuthenticationInfo,
    chip_keys,
)
from card_reader.secure_messaging import Cipher, SecureMessaging
from card_reader.trust.keys import RsaKey, parse_public_key

# What chips answer where they do not take the id of their key, or not MSE:Set KAT.
_FORM_REFUSED = frozenset(
    {
        StatusWord.WRONG_DATA,
        StatusWord.REFERENCED_DATA_NOT_FOUND,
        StatusWord.FUNCTION_UNSUPPORTED,
        StatusWord.INCORRECT_P1_P2,
        StatusWord.INS_UNSUPPORTED,
    }
)
MAX_RUNS = 4
LOG = logging.getLogger("card_reader")


@dataclass(frozen=True, slots=True)
class _Form:
    """How the terminal's key goes to the chip: naming the chip's key, and by which command."""

    key_id: int | None
    set_kat: bool | None


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

        def agree(form: _Form) -> None:
            named = replace(info, key_id=form.key_id)
            run = chip_authentication((named, key), self._rng, set_kat=form.set_kat)
            result = self._channel.run(run)
            self._channel.protect(result.session)
            self.record = ChipAuthenticationRecord(
                result.oid, info.key_id, result.terminal_public_key, None, b""
            )

        self._in_some_form(info, agree)

    def _in_some_form(self, info: ChipAuthenticationInfo, run: Callable[[_Form], None]) -> None:
        """Send the key as this kind takes it, and where that is refused in the other ways."""
        forms = self._forms_of_key(info)
        for form in forms:
            try:
                run(form)
            except ChipError:
                if form is forms[-1] or self._channel.last_status not in _FORM_REFUSED:
                    raise
                continue
            if form is not forms[0]:
                self._channel.learn(set_kat=form.set_kat is not False)
                self._channel.learn(name_chip_key=form.key_id is not None or info.key_id is None)
            return

    def _forms_of_key(self, info: ChipAuthenticationInfo) -> list[_Form]:
        """The likeliest first.  A key that is one of several is named first, whatever was learnt.

        MSE:Set KAT is for 3DES, where some chips know the other way alone (9303-11 §6.2.4).
        """
        strategy = self._channel.strategy
        named = strategy.name_chip_key or not self._only_key
        key_ids = [info.key_id] if info.key_id is None else [info.key_id, None]
        triple_des = info.cipher == Cipher.DES3
        ways: list[bool | None] = [True, False] if triple_des else [None]
        return [
            _Form(key_id, way)
            for way in sorted(ways, key=lambda way: triple_des and way is not strategy.set_kat)
            for key_id in (key_ids if named else reversed(key_ids))
        ]

    def _offer(self, terminal: RemoteTerminal, security_infos_file: bytes) -> RemoteOffer | None:
        """The server's offer; without it this reader is the terminal, and evidence says so."""
        try:
            return terminal.begin(security_infos_file)
        except CardError as error:
            LOG.warning("no remote terminal for chip authentication: %s", error.detail)
            return None

    def _with_remote_terminal(self, terminal: RemoteTerminal, offer: RemoteOffer) -> None:
        """The server's key goes to the chip, and the chip's first answer to the server."""

        def carry(form: _Form) -> None:
            named = replace(offer, key_id=form.key_id)
            self._channel.run(remote_chip_authentication(named, set_kat=form.set_kat))

        self._in_some_form(ChipAuthenticationInfo(offer.oid, key_id=offer.key_id), carry)
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
