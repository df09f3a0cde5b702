"""The card's side of access and chip authentication in a masked session, with invented secrets.

An answer is given the recorded one's outcome: what the recorded chip refused is refused whatever
the reader sends, what it granted is computed by the simulator's protocols.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from card_reader import tlv
from card_reader.access.passwords import CanPassword, MrzPassword
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.errors import CardError
from card_reader.lds.security_infos import (
    SecurityInfo,
    chip_authentication_choices,
    pace_infos,
)
from card_reader.masking.invention import InventedKey, Inventor
from card_reader.masking.masked_files import mask_answer
from card_reader.simulator.basic_access import BasicAccess, WrongKeysError
from card_reader.simulator.chip_authentication import AgreementKey
from card_reader.simulator.ciphers import CIPHERS, PASSWORD, TRIPLE_DES
from card_reader.simulator.pace import PaceRun, PaceSuite, WrongPasswordError, oid_bytes
from card_reader.simulator.passwords import MRZ_REFERENCE
from card_reader.simulator.profile import AccessKeys, PaceOffer
from card_reader.simulator.refusal import RefusalError
from card_reader.simulator.secure_messaging import CardSession

MSE, GENERAL_AUTHENTICATE = 0x22, 0x86
GET_CHALLENGE, EXTERNAL_AUTHENTICATE = 0x84, 0x82
_PACE, _CHIP_PROTOCOL, _CHIP_KEY = (0xC1, 0xA4), (0x41, 0xA4), (0x41, 0xA6)
_PROTOCOL, _REFERENCE, _KEY_REFERENCE, _KAT_PUBLIC_KEY = 0x80, 0x83, 0x84, 0x91
_DYNAMIC_DATA, _PUBLIC_KEY = 0x7C, 0x80


class NoAnswerError(Exception):
    """Nothing is known to compute: the answer is noise of the recorded shape."""


@dataclass(frozen=True, slots=True)
class ChipSecrets:
    """What the masked chip knows: its passwords, what its files announce, its private keys."""

    mrz: MrzPassword = field(repr=False)
    can: CanPassword = field(repr=False)
    card_access: Sequence[SecurityInfo]
    security_infos: Sequence[SecurityInfo]
    keys: Sequence[InventedKey] = field(repr=False)


class MaskedProtocols:
    """One chip's protocols; :meth:`take_session` hands out a session that has just begun."""

    def __init__(
        self, secrets: ChipSecrets, inventor: Inventor, rng: Callable[[int], bytes]
    ) -> None:
        self._secrets = secrets
        self._inventor = inventor
        self._rng = rng
        self._challenge = b""
        self._pace: PaceRun | None = None
        self._chip_key: AgreementKey | None = None
        self._begun: CardSession | None = None
        mrz = secrets.mrz
        self._basic_access = BasicAccess(
            AccessKeys(mrz.document_number, mrz.date_of_birth, mrz.date_of_expiry)
        )
        self._handlers: dict[int, Callable[[CommandApdu, ResponseApdu], bytes]] = {
            GET_CHALLENGE: self._get_challenge,
            EXTERNAL_AUTHENTICATE: self._external_authenticate,
            MSE: self._manage_environment,
            GENERAL_AUTHENTICATE: self._general_authenticate,
        }

    def take_session(self) -> CardSession | None:
        session, self._begun = self._begun, None
        return session

    def answer(self, command: CommandApdu, recorded: ResponseApdu) -> bytes:
        """The data of the answer to a plain command; raises :class:`NoAnswerError`."""
        handler = self._handlers.get(command.ins)
        if handler is None:
            raise NoAnswerError
        try:
            return handler(command, recorded)
        except (CardError, RefusalError, WrongKeysError, WrongPasswordError):
            raise NoAnswerError from None

    # --- BAC --------------------------------------------------------------------------------------

    def _get_challenge(self, _: CommandApdu, recorded: ResponseApdu) -> bytes:
        self._challenge = self._rng(len(recorded.data)) if recorded.data else b""
        return self._challenge

    def _external_authenticate(self, command: CommandApdu, recorded: ResponseApdu) -> bytes:
        if not recorded.ok:
            raise NoAnswerError
        data, self._begun = self._basic_access.authenticate(
            command.data, self._challenge, self._rng
        )
        return data

    # --- MSE:Set AT, MSE:Set KAT ------------------------------------------------------------------

    def _manage_environment(self, command: CommandApdu, recorded: ResponseApdu) -> bytes:
        objects = {item.tag: item.value for item in tlv.parse_all(command.data)}
        template = (command.p1, command.p2)
        if template == _PACE:
            self._pace = self._pace_run(objects)
        elif template == _CHIP_PROTOCOL:
            self._pace = None
            self._chip_key = self._agreement_key(objects)
        elif template == _CHIP_KEY and recorded.ok:
            self._begun = self._agreement_key(objects).session(objects.get(_KAT_PUBLIC_KEY, b""))
        return b""

    def _pace_run(self, objects: dict[int, bytes]) -> PaceRun:
        """One run over the parameters that the command names, else the card's only ones."""
        named = objects.get(_KEY_REFERENCE)
        number = None if named is None else int.from_bytes(named, "big")
        for info in pace_infos(self._secrets.card_access):
            fits = oid_bytes(info.oid) == objects.get(_PROTOCOL)
            if fits and info.parameter_id is not None and number in (None, info.parameter_id):
                suite = PaceSuite.of(PaceOffer(info.oid, info.parameter_id))
                return PaceRun(
                    suite,
                    suite.cipher.derive(self._pace_secret(objects), PASSWORD),
                    self._rng,
                    mapping_key=self._mapping_key(suite),
                )
        raise NoAnswerError

    def _pace_secret(self, objects: dict[int, bytes]) -> bytes:
        reference = int.from_bytes(objects.get(_REFERENCE, b""), "big")
        secrets = self._secrets
        return secrets.mrz.pace_secret if reference == MRZ_REFERENCE else secrets.can.pace_secret

    def _mapping_key(self, suite: PaceSuite) -> int:
        """The key of PACE-CAM; where no file shows it any will do."""
        for key in self._secrets.keys:
            if key.group == suite.group:
                return key.scalar
        return suite.group.draw_scalar(self._rng)

    def _agreement_key(self, objects: dict[int, bytes]) -> AgreementKey:
        """The invented key that the command names; MSE:Set KAT knows 3DES alone (§6.2.4)."""
        reference = objects.get(_KEY_REFERENCE)
        key_id = None if reference is None else int.from_bytes(reference, "big")
        for info, key in chip_authentication_choices(self._secrets.security_infos):
            cipher = CIPHERS[info.cipher]
            protocol = objects.get(_PROTOCOL)
            fits = cipher is TRIPLE_DES if protocol is None else oid_bytes(info.oid) == protocol
            invented = next((item for item in self._secrets.keys if item.spki == key.spki), None)
            if fits and invented is not None and key_id in (None, info.key_id, key.key_id):
                return AgreementKey(info.oid, key_id, cipher, invented.group, invented.scalar)
        raise NoAnswerError

    # --- GENERAL AUTHENTICATE ---------------------------------------------------------------------

    def _general_authenticate(self, command: CommandApdu, recorded: ResponseApdu) -> bytes:
        objects = tlv.find([tlv.parse(command.data)], _DYNAMIC_DATA).children()
        if not recorded.ok:
            raise NoAnswerError
        if self._pace is not None:
            return self._pace_step(self._pace, objects, recorded)
        if self._chip_key is None:
            raise NoAnswerError
        self._begun = self._chip_key.session(tlv.find(objects, _PUBLIC_KEY).value)
        return mask_answer(recorded.data, self._inventor)

    def _pace_step(self, run: PaceRun, objects: Sequence[tlv.Tlv], recorded: ResponseApdu) -> bytes:
        """The run's own objects in the recorded order; further ones are masked."""
        computed = {item.tag: item.raw for item in tlv.parse_all(run.step(objects))}
        self._begun = run.session
        if run.session is not None:
            self._pace = None
        shown = tlv.find([tlv.parse(recorded.data)], _DYNAMIC_DATA).children()
        answer = b"".join(
            computed.get(item.tag) or mask_answer(item.raw, self._inventor) for item in shown
        )
        return tlv.encode(_DYNAMIC_DATA, answer)
