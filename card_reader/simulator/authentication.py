"""The chip's commands of authentication: BAC, PACE, chip and active authentication (9303-11)."""

from collections.abc import Callable, Sequence

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu, StatusWord
from card_reader.errors import MalformedTlvError
from card_reader.simulator.active_authentication import Signer
from card_reader.simulator.basic_access import CHALLENGE_BYTES, BasicAccess, WrongKeysError
from card_reader.simulator.chip_authentication import AgreementKey, agreement_keys, choose
from card_reader.simulator.files import CORRECT_LENGTH, Files
from card_reader.simulator.pace import (
    AUTHORITY_REFERENCE,
    PaceRun,
    PaceSuite,
    WrongPasswordError,
    oid_bytes,
)
from card_reader.simulator.passwords import TryCounter, pace_key
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.refusal import RefusalError
from card_reader.simulator.secure_messaging import CardSession

GET_CHALLENGE, EXTERNAL_AUTHENTICATE, INTERNAL_AUTHENTICATE = 0x84, 0x82, 0x88
MANAGE_SECURITY_ENVIRONMENT, GENERAL_AUTHENTICATE = 0x22, 0x86
SET_AT_PACE, SET_AT_CHIP, SET_KAT = 0xC1A4, 0x41A4, 0x41A6
_MECHANISM, _PASSWORD, _PARAMETERS, _PUBLIC_KEY = 0x80, 0x83, 0x84, 0x91
_DYNAMIC, _TERMINAL_KEY = 0x7C, 0x80
_LAST_EXPECTED, _CHAINING_UNSUPPORTED = 0x6883, 0x6884  # ISO 7816-4 table 6
_ALL = (256, 65_536)

Answer = tuple[ResponseApdu, CardSession | None]


def complete_authentication_data(data: bytes) -> bool:
    """Whether these are whole dynamic authentication data, not the beginning of longer ones."""
    try:
        return len(data) >= tlv.header_length(data)
    except MalformedTlvError:
        return False


class Authentication:
    """What a chip knows of the terminal it talks to, from one power-on to the next.

    The counter of wrong passwords alone outlives `reset`.
    """

    def __init__(
        self,
        profile: CardProfile,
        files: Files,
        rng: Callable[[int], bytes],
        sleep: Callable[[float], None],
    ) -> None:
        self._profile, self._quirks = profile, profile.quirks
        self._files, self._rng, self._sleep = files, rng, sleep
        self._tries = TryCounter(profile.quirks)
        self._basic = BasicAccess(profile.access) if profile.basic_access else None
        self._suites = [PaceSuite.of(offer) for offer in profile.pace]
        self._keys = agreement_keys(profile)
        self._signer = Signer(profile) if profile.authentication_key is not None else None
        self._handlers: dict[int, Callable[[CommandApdu], Answer]] = {
            GET_CHALLENGE: self._get_challenge,
            EXTERNAL_AUTHENTICATE: self._external_authenticate,
            MANAGE_SECURITY_ENVIRONMENT: self._manage_security_environment,
            GENERAL_AUTHENTICATE: self._general_authenticate,
            INTERNAL_AUTHENTICATE: self._internal_authenticate,
        }
        self.reset()

    def reset(self) -> None:
        self._challenge: bytes | None = None
        self._forget_run()
        self._granted = self._protected = False
        self._longest_data = 0

    def expect(self, ins: int) -> None:
        """A challenge, and a chosen protocol, are good for the next command only."""
        if ins != EXTERNAL_AUTHENTICATE:
            self._challenge = None
        if ins != GENERAL_AUTHENTICATE:
            self._forget_run()

    def answer(
        self, apdu: CommandApdu, *, granted: bool, protected: bool, longest_data: int
    ) -> Answer:
        """Response and, where one follows, the new session; raises RefusalError."""
        handler = self._handlers.get(apdu.ins)
        if handler is None:
            raise RefusalError(StatusWord.INS_UNSUPPORTED)
        self._granted, self._protected, self._longest_data = granted, protected, longest_data
        return handler(apdu)

    def _forget_run(self) -> None:
        self._pace: PaceRun | None = None
        self._agreement: AgreementKey | None = None

    def _wrong_password(self) -> RefusalError:
        sw = self._tries.failed()
        if self._quirks.wrong_password_delay_ms:
            self._sleep(self._tries.failures * self._quirks.wrong_password_delay_ms / 1000)
        return RefusalError(sw)

    # --- BAC (§4.3.4) ---

    def _get_challenge(self, apdu: CommandApdu) -> Answer:
        if self._basic is None:
            raise RefusalError(StatusWord.INS_UNSUPPORTED)
        if not self._files.in_application or self._protected:
            raise RefusalError(StatusWord.CONDITIONS_NOT_SATISFIED)
        wanted = _ALL if self._quirks.challenge_wants_le_zero else (CHALLENGE_BYTES, *_ALL)
        if apdu.le not in wanted:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        self._challenge = self._rng(CHALLENGE_BYTES)
        return ResponseApdu(self._challenge, StatusWord.OK), None

    def _external_authenticate(self, apdu: CommandApdu) -> Answer:
        if self._basic is None:
            raise RefusalError(StatusWord.INS_UNSUPPORTED)
        if self._quirks.authenticate_with_le_refused and apdu.le not in (None, *_ALL):
            raise RefusalError(StatusWord.WRONG_LENGTH)
        challenge, self._challenge = self._challenge, None
        if challenge is None:
            raise RefusalError(StatusWord.CONDITIONS_NOT_SATISFIED)
        self._tries.require_open()
        try:
            answer, session = self._basic.authenticate(apdu.data, challenge, self._rng)
        except WrongKeysError:
            raise self._wrong_password() from None
        self._tries.succeeded()
        return ResponseApdu(answer, StatusWord.OK), session

    # --- MANAGE SECURITY ENVIRONMENT (§4.4.4.1, §6.2.4) ---

    def _manage_security_environment(self, apdu: CommandApdu) -> Answer:
        if apdu.le is not None and self._quirks.mse_with_le_refused:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        purpose = apdu.p1 << 8 | apdu.p2
        handlers = {
            SET_AT_PACE: self._set_at_for_pace,
            SET_AT_CHIP: self._set_at_for_chip,
            SET_KAT: self._set_kat,
        }
        if purpose not in handlers or (purpose == SET_KAT and self._quirks.set_kat_refused):
            raise RefusalError(StatusWord.INCORRECT_P1_P2)
        return handlers[purpose](_references(apdu.data))

    def _set_at_for_pace(self, references: dict[int, bytes]) -> Answer:
        if self._quirks.pace_refused:
            raise RefusalError(StatusWord.SECURITY_STATUS)
        if not self._suites:
            raise RefusalError(StatusWord.FUNCTION_UNSUPPORTED)
        elsewhere = self._files.in_application or self._protected  # §4.4: in the master file
        unselected = self._quirks.pace_wants_mf and not self._files.master_file_selected
        if elsewhere or unselected:
            raise RefusalError(StatusWord.CONDITIONS_NOT_SATISFIED)
        self._tries.require_open()
        try:
            self._pace = self._pace_run(references)
        except RefusalError:
            if not self._quirks.pace_checks_late:
                raise
        return ResponseApdu(b"", self._tries.warning), None

    def _pace_run(self, references: dict[int, bytes]) -> PaceRun:
        if not {_MECHANISM, _PASSWORD} <= references.keys():
            raise RefusalError(StatusWord.WRONG_DATA)
        suite = self._suite(references[_MECHANISM], references.get(_PARAMETERS))
        password = int.from_bytes(references[_PASSWORD], "big")
        k_pi = pace_key(self._profile.access, password, suite.cipher)
        if k_pi is None:
            raise RefusalError(StatusWord.REFERENCED_DATA_NOT_FOUND)
        fitting = (None, suite.parameter_id)
        static = [
            key.private_key
            for key in self._profile.chip_keys
            if key.mapping and key.parameter_id in fitting
        ]
        return PaceRun(suite, k_pi, self._rng, mapping_key=static[0] if static else None)

    def _suite(self, mechanism: bytes, parameters: bytes | None) -> PaceSuite:
        """The offer that is meant; data object 84 is required where several could be."""
        named = parameters is not None
        if named and self._quirks.pace_refuses_parameters:
            raise RefusalError(StatusWord.WRONG_DATA)
        if not named and self._quirks.pace_wants_parameters:
            raise RefusalError(StatusWord.WRONG_DATA)
        suited = [suite for suite in self._suites if oid_bytes(suite.oid) == mechanism]
        if not suited:
            raise RefusalError(StatusWord.WRONG_DATA)
        if parameters is not None:
            number = int.from_bytes(parameters, "big")
            suited = [suite for suite in suited if suite.parameter_id == number]
        if len(suited) != 1:
            raise RefusalError(StatusWord.REFERENCED_DATA_NOT_FOUND)
        return suited[0]

    def _set_at_for_chip(self, references: dict[int, bytes]) -> Answer:
        self._require_agreement(references)
        if _MECHANISM not in references:
            raise RefusalError(StatusWord.WRONG_DATA)
        self._agreement = choose(self._keys, references[_MECHANISM], references.get(_PARAMETERS))
        return ResponseApdu(b"", StatusWord.OK), None

    def _set_kat(self, references: dict[int, bytes]) -> Answer:
        self._require_agreement(references)
        if _PUBLIC_KEY not in references:
            raise RefusalError(StatusWord.WRONG_DATA)
        key = choose(self._keys, None, references.get(_PARAMETERS))
        return ResponseApdu(b"", StatusWord.OK), key.session(references[_PUBLIC_KEY])

    def _require_agreement(self, references: dict[int, bytes]) -> None:
        if not self._granted:
            raise RefusalError(StatusWord.SECURITY_STATUS)
        if not self._keys:
            raise RefusalError(StatusWord.FUNCTION_UNSUPPORTED)
        if _PARAMETERS in references and self._quirks.key_id_refused:
            raise RefusalError(StatusWord.WRONG_DATA)

    # --- GENERAL AUTHENTICATE (§4.4.4.2, §6.2.4.2) ---

    def _general_authenticate(self, apdu: CommandApdu) -> Answer:
        if (apdu.p1, apdu.p2) != (0, 0):
            self._forget_run()
            raise RefusalError(StatusWord.INCORRECT_P1_P2)
        chained = bool(apdu.cla & 0x10)
        if self._agreement is not None:
            return self._agree(apdu.data)
        if self._pace is None:
            late = self._quirks.pace_checks_late
            raise RefusalError(
                StatusWord.REFERENCED_DATA_NOT_FOUND
                if late
                else StatusWord.CONDITIONS_NOT_SATISFIED
            )
        run = self._pace
        try:
            return self._pace_step(run, _dynamic(apdu.data), chained=chained)
        except RefusalError:
            self._forget_run()  # a step that fails ends the run
            raise

    def _pace_step(self, run: PaceRun, objects: Sequence[tlv.Tlv], *, chained: bool) -> Answer:
        # §4.4.4.3: command chaining links the steps
        if run.last and chained:
            raise RefusalError(_CHAINING_UNSUPPORTED)
        if not run.last and not chained:
            raise RefusalError(_LAST_EXPECTED)
        last = run.last
        if last and self._quirks.pace_fails:
            raise RefusalError(self._quirks.wrong_password_sw)
        try:
            data = run.step(objects)
        except WrongPasswordError:
            raise self._wrong_password() from None
        if self._quirks.mapping_answer_absent and data == b"\x82\x00":
            data = b""
        if last:
            self._tries.succeeded()
            self._forget_run()
            data += self._authority()
        return ResponseApdu(tlv.encode(_DYNAMIC, data), StatusWord.OK), run.session

    def _authority(self) -> bytes:
        """A certification authority reference (§4.4.5.5); without terminal authentication no
        chip has one to send, but for a quirk."""
        name = self._quirks.unasked_authority
        return tlv.encode(AUTHORITY_REFERENCE, name.encode("latin-1")) if name else b""

    def _agree(self, data: bytes) -> Answer:
        key, self._agreement = self._agreement, None
        objects = _dynamic(data)
        if key is None or [item.tag for item in objects] != [_TERMINAL_KEY]:
            raise RefusalError(StatusWord.WRONG_DATA)
        session = key.session(objects[0].value)
        return ResponseApdu(tlv.encode(_DYNAMIC, b""), StatusWord.OK), session

    # --- INTERNAL AUTHENTICATE (§6.1.3) ---

    def _internal_authenticate(self, apdu: CommandApdu) -> Answer:
        if not self._granted:
            raise RefusalError(StatusWord.SECURITY_STATUS)
        if self._signer is None:
            raise RefusalError(StatusWord.INS_UNSUPPORTED)
        if len(apdu.data) != CHALLENGE_BYTES:
            raise RefusalError(StatusWord.WRONG_DATA)
        if apdu.le == 65_536 and self._quirks.empty_at_longest_le:
            return ResponseApdu(b"", StatusWord.OK), None
        signature = self._signer.sign(apdu.data, self._rng)
        if self._quirks.exact_signature_le and apdu.le != len(signature):
            raise RefusalError(CORRECT_LENGTH | len(signature) & 0xFF)
        if self._quirks.short_signature:
            signature = signature[: self._longest_data]
        return ResponseApdu(signature, StatusWord.OK), None


def _references(data: bytes) -> dict[int, bytes]:
    """Control reference data objects; unknown ones are ignored (§4.4.4.1 note 2)."""
    try:
        objects = tlv.parse_all(data)
    except MalformedTlvError:
        raise RefusalError(StatusWord.WRONG_DATA) from None
    references = {item.tag: item.value for item in objects}
    if len(references) != len(objects):
        raise RefusalError(StatusWord.WRONG_DATA)
    return references


def _dynamic(data: bytes) -> tuple[tlv.Tlv, ...]:
    """The objects inside dynamic authentication data."""
    try:
        outer = tlv.parse(data)
        objects = outer.children()
    except MalformedTlvError:
        raise RefusalError(StatusWord.WRONG_DATA) from None
    if outer.tag != _DYNAMIC:
        raise RefusalError(StatusWord.WRONG_DATA)
    return objects
