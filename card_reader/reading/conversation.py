"""One card's conversation: its steps, each timed, each going on where a loss interrupted it.

A session may be lost over a length that the chip does not take, the contact because somebody
moves the card.  Either way the chip is opened again as it was opened, and reading goes on at the
very byte.

Could two cards be read as one?  The card that comes back must have the same answer to reset, open
with the same password over the same protocol, and know the end of EF.SOD as far as that was read.
Whatever got past this would be found by verification: EF.SOD's hashes cover every data group, and
the proofs of the chip are made behind all files, over the session that is then open, with the keys
in them.  So every byte is the issuer's, and the chip that answered last is the one they name.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, StrEnum, auto
from typing import TypeVar

from card_reader.channel import Channel
from card_reader.chip.chip_authentication import RemoteTerminal
from card_reader.errors import CardError, CardReason, ReaderError, SecureMessagingError
from card_reader.evidence import Challenge, Step
from card_reader.lds import (
    APPLICATION_ID,
    DATA_GROUPS,
    EF_ATR_INFO,
    EF_CARD_ACCESS,
    EF_CARD_SECURITY,
    EF_DIR,
    EF_SOD,
    ElementaryFile,
    dg14,
)
from card_reader.lds.security_infos import offers_pace
from card_reader.reading import capabilities
from card_reader.reading.file_reading import FileReader
from card_reader.reading.opening import Opened, Opener, is_pace_offered
from card_reader.reading.proving import Prover, has_chip_key
from card_reader.reading.strategy import CardMemory, Strategy
from card_reader.transport import Transport

Result = TypeVar("Result")

MAX_LOST_SESSIONS = 8
MAX_LOST_CONTACTS = 8
SAMPLE_LENGTH = 32
DG14, DG15 = DATA_GROUPS[14], DATA_GROUPS[15]


class StepName(StrEnum):
    """The steps of a reading; a file's step is its name.  Which come, and when, is the card's."""

    SELECT = "select_application"
    CARD_ACCESS = "EF.CardAccess"
    ATR_INFO = "EF.ATR/INFO"
    DIR = "EF.DIR"
    ACCESS = "access"
    CARD_SECURITY = "EF.CardSecurity"
    SOD = "EF.SOD"
    DG1 = "EF.DG1"
    DG2 = "EF.DG2"
    DG5 = "EF.DG5"
    DG6 = "EF.DG6"
    DG7 = "EF.DG7"
    DG8 = "EF.DG8"
    DG9 = "EF.DG9"
    DG10 = "EF.DG10"
    DG11 = "EF.DG11"
    DG12 = "EF.DG12"
    DG13 = "EF.DG13"
    DG14 = "EF.DG14"
    DG15 = "EF.DG15"
    DG16 = "EF.DG16"
    CHIP_AUTHENTICATION = "chip_authentication"
    ACTIVE_AUTHENTICATION = "active_authentication"
    COM = "EF.COM"


class _Loss(Enum):
    """What has to be restored before the reading goes on."""

    NOTHING = auto()
    SESSION = auto()
    CONTACT = auto()


class Conversation:
    """The steps of a reading as methods, in the order in which they may come.

    ``files`` are those read so far; ``reconnect``, ``progress`` and ``on_file`` as in
    :func:`card_reader.reader.read_card`.
    """

    def __init__(
        self,
        channel: Channel,
        files: FileReader,
        opener: Opener,
        reconnect: Callable[[], Transport] | None,
        progress: Callable[[StepName], None],
        on_file: Callable[[str, bytes], None],
        clock: Callable[[], float],
    ) -> None:
        self._channel = channel
        self._files = files
        self._opener = opener
        self._reconnect = reconnect
        self._progress = progress
        self._on_file = on_file
        self._clock = clock
        self._atr = channel.atr
        self._opened: Opened | None = None
        self._partial: dict[str, bytearray] = {}
        self._steps: dict[StepName, Step] = {}
        self._announced: set[StepName] = set()
        self._loss = _Loss.NOTHING
        self._lost_sessions = 0
        self._lost_contacts = 0
        self._lost_over_extended = 0
        self._blamed: tuple[bool | None, int] | None = None  # the form, and the commands till then
        self._came_back = False
        self.files: dict[str, bytes] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps.values())

    @property
    def opened(self) -> Opened:
        if self._opened is None:
            raise CardError("the chip is not open")
        return self._opened

    @property
    def missed_offer(self) -> bool:
        """Whether EF.CardAccess was not found although EF.DG14 offers PACE."""
        infos = self.files.get(DG14.name)
        if infos is None or EF_CARD_ACCESS.name in self.files:
            return False
        try:
            return offers_pace(dg14.parse(infos))
        except CardError:
            return False

    # --- before access ----------------------------------------------------------------------------

    def make_contact(
        self,
        memory: CardMemory | None,
        strategy: Strategy | None,
        extras: Sequence[ElementaryFile],
    ) -> None:
        """What the card says before it is opened, and what is known of its kind."""
        memory = memory or CardMemory()
        stated = capabilities.of_atr(self._atr)
        seen = strategy or memory.way_in(self._atr)
        self._channel.strategy = (seen or Strategy()).informed(stated)
        # A card without EF.CardAccess is believed at once where its kind was searched before.
        searched = strategy is not None or memory.lacks_card_access(self._atr)
        content = self._master_file(EF_CARD_ACCESS, searched=searched)
        if strategy is None and (known := memory.recall(self._atr, content)) is not None:
            self._channel.strategy = known
        unsaid = stated.extended is None and content is not None
        new = seen is None and self._channel.strategy.extended is not False
        if EF_ATR_INFO in extras or (new and (unsaid or stated.lengths_in_atr_info)):
            lengths = self._master_file(EF_ATR_INFO)
            if lengths is not None:
                stated = capabilities.of_atr_info(lengths)
                self._channel.strategy = self._channel.strategy.informed(stated)
        if EF_DIR in extras:
            self._master_file(EF_DIR)

    def _master_file(self, file: ElementaryFile, *, searched: bool = True) -> bytes | None:
        """A file that not every card has, outside the application; None where it cannot be had."""
        with self._step(StepName(file.name)):
            try:
                content = self._keep_on(
                    lambda: self._files.read_in_master_file(file, searched=searched)
                )
            except ReaderError:
                raise
            except CardError:
                return None
        self._pass_on(file, content)
        return content

    # --- access -----------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the chip up to its application (ICAO 9303-11 §4.2)."""
        self._opened = self._keep_on(self._open)

    def _open(self) -> Opened:
        content = self.files.get(EF_CARD_ACCESS.name)
        downgrade = None
        if content is not None and is_pace_offered(content):
            try:
                with self._step(StepName.ACCESS):
                    opened = self._opener.pace(content)
            except CardError as error:
                downgrade = self._opener.downgrade(error)
            else:
                return self._enter(opened)
        else:
            self._opener.require_bac_allowed()
        with self._step(StepName.SELECT):
            self._files.select_application(APPLICATION_ID)
        with self._step(StepName.ACCESS):
            return self._opener.bac(downgrade)

    def _enter(self, opened: Opened) -> Opened:
        """Behind PACE: the chip's key for its mapping, then the application."""
        if opened.chip_mapping is not None and StepName.CARD_SECURITY not in self._announced:
            with self._step(StepName.CARD_SECURITY):
                self._read_card_security()
        with self._step(StepName.SELECT):
            self._files.select_application(APPLICATION_ID)
        return opened

    def _read_card_security(self) -> None:
        try:
            content = self._files.read_in_master_file(EF_CARD_SECURITY)
        except (ReaderError, SecureMessagingError):
            raise
        except CardError:  # then chip authentication proves the chip
            return
        self._pass_on(EF_CARD_SECURITY, content)

    # --- files ------------------------------------------------------------------------------------

    def file(self, file: ElementaryFile) -> bytes:
        """Read one file and pass it on."""
        content = self._partial.setdefault(file.name, bytearray())
        with self._step(StepName(file.name)):
            self._keep_on(lambda: self._read(file, content))
        self._pass_on(file, bytes(content))
        return bytes(content)

    def optional_file(self, file: ElementaryFile) -> None:
        """Read a file; what it means that the card withholds it is for the verifier to say."""
        try:
            self.file(file)
        except CardError as error:
            if error.reason not in (CardReason.FILE_MISSING, CardReason.FILE_PROTECTED):
                raise

    def _read(self, file: ElementaryFile, content: bytearray) -> None:
        try:
            self._files.read(file, content)
        except SecureMessagingError:
            refusal = self._files.after_lost_session(file)
            if refusal is None:
                raise
            self._loss = _Loss.SESSION
            raise refusal from None

    def _pass_on(self, file: ElementaryFile, content: bytes) -> None:
        self.files[file.name] = content
        self._on_file(file.name, content)

    # --- the chip's proofs ------------------------------------------------------------------------

    def prove(
        self,
        prover: Prover,
        challenge: Challenge | None,
        terminal: RemoteTerminal | None,
        *,
        chip_authentication: bool,
    ) -> None:
        """Let the chip prove itself behind all files, as far as it has keys.

        PACE with chip authentication mapping is such a proof already; a server wants its own.
        """
        infos, key = self.files.get(DG14.name), self.files.get(DG15.name)
        mapped = self.opened.chip_mapping is not None and EF_CARD_SECURITY.name in self.files
        if not chip_authentication or (mapped and terminal is None) or not has_chip_key(infos):
            infos = None

        def run() -> None:
            if infos is not None:
                with self._step(StepName.CHIP_AUTHENTICATION):
                    prover.authenticate_chip(infos, terminal)
                    if key is None or challenge is None:
                        prover.confirm()
            if key is not None and challenge is not None:
                with self._step(StepName.ACTIVE_AUTHENTICATION):
                    prover.sign(key, challenge.value)

        self._keep_on(run)

    # --- going on after a loss --------------------------------------------------------------------

    def _keep_on(self, action: Callable[[], Result]) -> Result:
        """Run an action that may be repeated, until no loss of session or contact stops it."""
        while True:
            if self._loss is _Loss.CONTACT:
                self._come_back()
            try:
                if self._loss is _Loss.SESSION:
                    self._reopen()
                return action()
            except SecureMessagingError:
                self._lost_sessions += 1
                if self._lost_sessions > MAX_LOST_SESSIONS:
                    raise
                self._loss = _Loss.SESSION
            except ReaderError as error:
                self._note_lost_contact(error)

    def _note_lost_contact(self, error: ReaderError) -> None:
        """Raise where the reading cannot go on.

        Behind an extended command the reader may be at fault, which passes none: then the short
        form finds the card still there.  Where it finds nobody, the card has left; a card that
        leaves twice so does it over the extended form.
        """
        extended = self._channel.strategy.extended
        if self._channel.sent_extended and extended is not False:
            self._blamed = (extended, self._channel.apdus)
            self._channel.learn(extended=False)
            self._loss = _Loss.SESSION
            return
        if self._blamed is not None and self._blamed[1] == self._channel.apdus:
            self._lost_over_extended += 1
            if self._lost_over_extended == 1:
                self._channel.learn(extended=self._blamed[0])
        self._blamed = None
        self._lost_contacts += 1
        if (
            self._reconnect is None
            or error.reason is not CardReason.CARD_REMOVED
            or self._lost_contacts > MAX_LOST_CONTACTS
        ):
            raise error
        self._loss = _Loss.CONTACT

    def _come_back(self) -> None:
        if self._reconnect is None:
            raise ReaderError("the contact is lost", CardReason.CARD_REMOVED)
        transport = self._reconnect()
        if transport.atr != self._atr:
            raise _another_card()
        self._channel.attach(transport)
        self._came_back = True
        self._loss = _Loss.SESSION

    def _reopen(self) -> None:
        """Open the chip once more as it was opened, and know it again."""
        self._channel.protect(None)
        self._files.forget()
        if self._opened is not None:
            content = self.files.get(EF_CARD_ACCESS.name)
            self._opened = self._opener.again(self._opened, content, reset=self._came_back)
            self._recognise()  # readers do not notice every card that comes and goes
        self._came_back = False
        self._loss = _Loss.NOTHING

    def _recognise(self) -> None:
        """Compare the end of EF.SOD, where the issuer's signature is, as far as it was read."""
        known = bytes(self._partial.get(EF_SOD.name, b""))
        if not known:
            return
        offset = max(0, len(known) - SAMPLE_LENGTH)
        if self._files.sample(EF_SOD, offset, len(known) - offset) != known[offset:]:
            raise _another_card()

    @contextmanager
    def _step(self, name: StepName) -> Iterator[None]:
        """Announce a step, and note its duration and traffic, however it ends.

        A step that a loss makes necessary again adds to what it took before.
        """
        if name not in self._announced:
            self._announced.add(name)
            self._progress(name)
        started = self._clock()
        apdus, traffic = self._channel.apdus, self._channel.traffic
        try:
            yield
        finally:
            before = self._steps.get(name, Step(name.value, 0, 0, 0))
            self._steps[name] = Step(
                name.value,
                before.milliseconds + max(0, round((self._clock() - started) * 1000)),
                before.apdus + self._channel.apdus - apdus,
                before.bytes + self._channel.traffic - traffic,
            )


def _another_card() -> CardError:
    return CardError("another card was put on the reader", CardReason.CARD_REMOVED)
