"""Opening a chip: PACE where it is offered, BAC where the policy allows it.

BAC instead of a PACE that failed is a downgrade: whoever disturbs the contact could enforce it.
It happens only where :class:`AccessPolicy` says so, is logged, and stands in the evidence by name.
"""

import logging
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from card_reader.access.bac import bac
from card_reader.access.pace import ChipMapping, PaceRefusedError, PaceResult, pace, pace_group
from card_reader.access.passwords import CanPassword, MrzBasedPassword, Password
from card_reader.apdu import MAX_SHORT_LE, CommandApdu, ResponseApdu, StatusWord
from card_reader.channel import Channel
from card_reader.domain_parameters import AnyGroup
from card_reader.errors import (
    AccessDeniedError,
    CardError,
    CardReason,
    ChipError,
    ReaderError,
    UnsupportedAlgorithmError,
)
from card_reader.evidence import Access, AccessPolicy, AccessProtocol, Downgrade, PasswordKind
from card_reader.lds import APPLICATION_ID, card_access
from card_reader.lds.security_infos import (
    Agreement,
    Mapping,
    PaceInfo,
    SecurityInfo,
    cipher_strength,
    offers_pace,
    pace_domain_parameters,
    pace_infos,
)
from card_reader.reading.file_reading import FileReader
from card_reader.secure_messaging import SecureMessaging

Result = TypeVar("Result")
Word = TypeVar("Word", bound=Password)
LOG = logging.getLogger("card_reader")

# How many wrong keys a chip bears is unproven: chips slow down, and some count.
MAX_WRONG_PASSWORDS = 10
SLOW_SECONDS = 5.0
_BLOCKED = frozenset({StatusWord.AUTHENTICATION_BLOCKED, 0x63C0})
_GET_CHALLENGE = 0x84
# What a chip without access control answers to GET CHALLENGE.
_NO_CHALLENGE = frozenset({StatusWord.INS_UNSUPPORTED, StatusWord.FUNCTION_UNSUPPORTED})
# What chips answer to MSE:Set AT of PACE, or to the first step, over the naming of the parameters.
_PARAMETERS_REFUSED = frozenset({StatusWord.WRONG_DATA, StatusWord.REFERENCED_DATA_NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Opened:
    """How a chip was opened, so that the very same can be done again."""

    access: Access
    password: Password
    info: PaceInfo | None = None
    chip_mapping: ChipMapping | None = None


class Opener:
    """One chip to be opened, with passwords that come likeliest first.

    ``content`` is the chip's EF.CardAccess, None where it has none.
    """

    def __init__(
        self,
        channel: Channel,
        files: FileReader,
        passwords: Sequence[Password],
        policy: AccessPolicy,
        rng: Callable[[int], bytes],
        clock: Callable[[], float],
    ) -> None:
        if not passwords:
            raise AccessDeniedError("no password for this card", CardReason.NO_PASSWORD)
        self._channel = channel
        self._files = files
        self._passwords = tuple(passwords)
        self._policy = policy
        self._rng = rng
        self._clock = clock

    # --- PACE (ICAO 9303-11 §4.4) -----------------------------------------------------------------

    def pace(self, content: bytes) -> Opened:
        """PACE as EF.CardAccess offers it, the best way first, with each password in turn.

        Raises UnsupportedAlgorithmError where it offers none that is known here.
        """
        infos = card_access.parse(content)
        info, group = best_pace(infos)
        if self._channel.strategy.pace_in_master_file:
            self._files.select_master_file()
        password, result = self._first_that_fits(
            self._passwords, lambda password: self._run_pace(password, info, group, infos)
        )
        self._channel.protect(result.session)
        access = Access(
            AccessProtocol.PACE,
            mapping=info.mapping,
            password=_kind(password),
            oid=info.oid,
            parameter_id=info.parameter_id,
        )
        return Opened(access, password, info, result.chip_mapping)

    def _run_pace(
        self,
        password: Password,
        info: PaceInfo,
        group: AnyGroup,
        infos: Sequence[SecurityInfo],
    ) -> PaceResult:
        """One PACE; what chips differ over is tried the other way once, and learnt."""
        learnt = self._channel.strategy
        named = learnt.name_pace_parameters
        name = is_ambiguous(infos) if named is None else named
        try:
            return self._pace_once(password, info, group, name)
        except PaceRefusedError as error:
            if error.step > 1:
                raise
            if error.sw in _PARAMETERS_REFUSED:
                result = self._pace_once(password, info, group, not name)
                self._channel.learn(name_pace_parameters=not name)
                return result
            if error.sw != StatusWord.CONDITIONS_NOT_SATISFIED or learnt.pace_in_master_file:
                raise
            self._files.select_master_file()
            result = self._pace_once(password, info, group, name)
            self._channel.learn(pace_in_master_file=True)
            return result

    def _pace_once(
        self, password: Password, info: PaceInfo, group: AnyGroup, name: bool
    ) -> PaceResult:
        return self._channel.run(pace(password, info, self._rng, name_parameters=name, group=group))

    # --- BAC (ICAO 9303-11 §4.3) ------------------------------------------------------------------

    def bac(self, downgrade: Downgrade | None) -> Opened:
        """BAC in the selected application; a chip that knows no access control is open already."""
        passwords = [item for item in self._passwords if not isinstance(item, CanPassword)]
        if not passwords:
            raise AccessDeniedError(
                "the card cannot be opened with a card access number", CardReason.NO_PASSWORD
            )
        try:
            password, session = self._first_that_fits(passwords, self._run_bac)
        except ChipError:
            if downgrade is not None or not self._is_open():
                raise
            return Opened(Access(AccessProtocol.NONE), passwords[0])
        self._channel.protect(session)
        if downgrade is not None:
            LOG.warning("the chip was opened with BAC although it offers PACE: %s", downgrade)
        return Opened(Access(AccessProtocol.BAC, downgrade), password)

    def _run_bac(self, password: MrzBasedPassword) -> SecureMessaging:
        exact = self._channel.strategy.exact_le
        try:
            return self._channel.run(_expecting(bac(password, self._rng), exact=exact))
        except (AccessDeniedError, ChipError):
            if self._channel.last_status != StatusWord.WRONG_LENGTH:
                raise
        session = self._channel.run(_expecting(bac(password, self._rng), exact=not exact))
        self._channel.learn(exact_le=not exact)
        return session

    def _is_open(self) -> bool:
        command = self._channel.last_command
        asked = command is not None and command.ins == _GET_CHALLENGE
        return asked and self._channel.last_status in _NO_CHALLENGE

    # --- which of them ----------------------------------------------------------------------------

    def downgrade(self, error: CardError) -> Downgrade:
        """Why BAC may be tried after PACE ended in ``error``; raises it where it may not."""
        unsupported = isinstance(error, UnsupportedAlgorithmError)
        reason = Downgrade.PACE_UNSUPPORTED if unsupported else Downgrade.PACE_FAILED
        contact_lost = isinstance(error, ReaderError)
        if contact_lost or not self._policy.accepts(AccessProtocol.BAC, reason):
            raise error
        return reason

    def require_bac_allowed(self) -> None:
        """Raise where the policy wants PACE and the chip offers none."""
        if not self._policy.accepts(AccessProtocol.BAC, None):
            raise UnsupportedAlgorithmError("the card offers no PACE, and BAC is not accepted here")

    def again(self, opened: Opened, content: bytes | None, *, reset: bool) -> Opened:
        """The same protocol with the same password once more, up to the application.

        ``reset``: the card was powered anew and stands where it stood at first.
        """
        only = Opener(
            self._channel, self._files, [opened.password], self._policy, self._rng, self._clock
        )
        if opened.access.protocol is AccessProtocol.PACE and content is not None:
            if not reset:
                self._files.select_master_file()
            reopened = only.pace(content)
            self._files.select_application(APPLICATION_ID)
            return reopened
        self._files.select_application(APPLICATION_ID)
        if opened.access.protocol is AccessProtocol.BAC:
            only.bac(opened.access.downgrade)
        return opened

    def _first_that_fits(
        self, passwords: Sequence[Word], attempt: Callable[[Word], Result]
    ) -> tuple[Word, Result]:
        """The first password that opens; no more attempts than a chip bears."""
        denied = AccessDeniedError("no password for this card", CardReason.NO_PASSWORD)
        for password in passwords[:MAX_WRONG_PASSWORDS]:
            started = self._clock()
            try:
                return password, attempt(password)
            except AccessDeniedError as error:
                denied = error
            if self._channel.last_status in _BLOCKED:
                break
            if self._clock() - started > SLOW_SECONDS:
                raise AccessDeniedError(
                    "the chip slows down after wrong passwords; no more of them are tried"
                ) from denied
        raise denied


def best_pace(infos: Sequence[SecurityInfo]) -> tuple[PaceInfo, AnyGroup]:
    """The way of PACE to take, and its group.

    AES before 3DES; chip authentication mapping, which proves the chip too, before generic before
    integrated mapping; ECDH, which is quicker, before DH; then the strongest cipher.
    """
    own = pace_domain_parameters(infos)
    usable: list[tuple[PaceInfo, AnyGroup]] = []
    for info in pace_infos(infos):
        if not (info.supported or own):
            continue
        try:
            usable.append((info, pace_group(info, own)))
        except UnsupportedAlgorithmError:
            continue
    if not usable:
        raise UnsupportedAlgorithmError("the card offers PACE in no way known here")
    return max(usable, key=lambda item: _preference(item[0]))


def is_ambiguous(infos: Sequence[SecurityInfo]) -> bool:
    """Whether MSE:Set AT must name the domain parameters (§4.4.4.1, data object 84)."""
    return len({info.parameter_id for info in pace_infos(infos)}) > 1


def is_pace_offered(content: bytes | None) -> bool:
    """Whether EF.CardAccess offers PACE; one that cannot be read might."""
    if content is None:
        return False
    try:
        return offers_pace(card_access.parse(content))
    except CardError:
        return True


_MAPPINGS = (Mapping.INTEGRATED, Mapping.GENERIC, Mapping.CHIP_AUTHENTICATION)


def _preference(info: PaceInfo) -> tuple[bool, int, bool, int]:
    strength = cipher_strength(info.cipher)
    aes = strength > cipher_strength("3DES")
    return aes, _MAPPINGS.index(info.mapping), info.agreement is Agreement.ECDH, strength


def _kind(password: Password) -> PasswordKind:
    return PasswordKind.CAN if isinstance(password, CanPassword) else PasswordKind.MRZ


def _expecting(
    protocol: Generator[CommandApdu, ResponseApdu, Result], *, exact: bool
) -> Generator[CommandApdu, ResponseApdu, Result]:
    """A protocol whose commands expect what it says, or all there is."""
    try:
        command = next(protocol)
        while True:
            command = protocol.send((yield command if exact else replace(command, le=MAX_SHORT_LE)))
    except StopIteration as stop:
        result: Result = stop.value
        return result
