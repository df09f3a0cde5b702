"""Reading a card: a row of named steps from first contact to evidence.

What exists on the card is taken from EF.SOD, which the issuer signed, never from EF.COM, which
nobody did.  Fingerprints and irises (EF.DG3, EF.DG4) are never asked for.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

from card_reader.access.bac import bac
from card_reader.access.passwords import MrzPassword
from card_reader.channel import Channel, Recorder
from card_reader.chip.active_authentication import internal_authenticate
from card_reader.errors import (
    AccessDeniedError,
    CardError,
    CardReason,
    SecureMessagingError,
)
from card_reader.evidence import Access, AccessProtocol, Challenge, ChipEvidence, Step
from card_reader.lds import APPLICATION_ID, DATA_GROUPS, EF_COM, EF_SOD, ElementaryFile, dg15, sod
from card_reader.transport import Transport

DEFAULT_GROUPS = (1, 2, 13, 14, 15)
NEVER_READ = frozenset({3, 4})
MAX_REOPENINGS = 3
DG15 = DATA_GROUPS[15]


class StepName(StrEnum):
    """The steps of a reading, in their order; a data group's step is its file's name."""

    SELECT = "select_application"
    ACCESS = "access"
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
    ACTIVE_AUTHENTICATION = "active_authentication"
    COM = "EF.COM"


def _ignore(*_: object) -> None:
    """The default of every callback."""


def read_card(
    transport: Transport,
    passwords: Sequence[MrzPassword],
    *,
    challenge: Challenge | None,
    progress: Callable[[StepName], None] = _ignore,
    on_file: Callable[[str, bytes], None] = _ignore,
    groups: Sequence[int] = DEFAULT_GROUPS,
    reader: str = "",
    recorder: Recorder | None = None,
    rng: Callable[[int], bytes] = os.urandom,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ChipEvidence:
    """Open the chip with the first password that fits, read its files, let it prove itself.

    ``passwords`` come likeliest first.  ``progress`` hears the name of each step as it begins,
    ``on_file`` each file as soon as it is read (the portrait is among the first).  ``groups``
    are the data groups wanted; those that EF.SOD does not list are left alone.  Raises
    :class:`card_reader.errors.CardError`; verifying is :mod:`card_reader.verify`'s part.
    """
    reading = _Reading(transport, passwords, progress, on_file, recorder, rng, clock)
    reading.open()
    listed = sod.parse(reading.file(EF_SOD)).data_group_hashes
    for number in groups:
        if number in listed and number not in NEVER_READ:
            reading.optional_file(DATA_GROUPS[number])
    response = reading.prove(challenge) if challenge is not None else None
    reading.optional_file(EF_COM)
    return ChipEvidence(
        files=reading.files,
        challenge=challenge,
        active_authentication=response,
        access=Access(AccessProtocol.BAC),
        steps=tuple(reading.steps),
        atr=transport.atr,
        reader=reader,
        reader_version=reader_version(),
        read_at=now(),
    )


def reader_version() -> str:
    """Version of this package, as evidence names it."""
    try:
        return version("truong-thi")
    except PackageNotFoundError:
        return "unreleased"


class _Reading:
    """One card's reading in progress: the steps as methods, each timed."""

    def __init__(
        self,
        transport: Transport,
        passwords: Sequence[MrzPassword],
        progress: Callable[[StepName], None],
        on_file: Callable[[str, bytes], None],
        recorder: Recorder | None,
        rng: Callable[[int], bytes],
        clock: Callable[[], float],
    ) -> None:
        if not passwords:
            raise AccessDeniedError("no password for this card", CardReason.NO_PASSWORD)
        self._channel = Channel(transport, recorder=recorder)
        self._passwords = list(passwords)
        self._progress = progress
        self._on_file = on_file
        self._rng = rng
        self._clock = clock
        self._reopenings = 0
        self.files: dict[str, bytes] = {}
        self.steps: list[Step] = []

    def open(self) -> None:
        """Select the application, then open it with the first password that fits."""
        with self._step(StepName.SELECT):
            self._channel.select_application(APPLICATION_ID)
        with self._step(StepName.ACCESS):
            self._access()

    def file(self, file: ElementaryFile) -> bytes:
        """Read one file and pass it on."""
        with self._step(StepName(file.name)):
            content = self._read(file)
        self.files[file.name] = content
        self._on_file(file.name, content)
        return content

    def optional_file(self, file: ElementaryFile) -> None:
        """Read a file; what it means that the card withholds it is for the verifier to say."""
        try:
            self.file(file)
        except CardError as error:
            if error.reason not in (CardReason.FILE_MISSING, CardReason.FILE_PROTECTED):
                raise

    def prove(self, challenge: Challenge) -> bytes | None:
        """The chip's raw answer to the challenge (ICAO 9303-11 §6.1).

        None where the card has no key for it or refuses: the verifier says what that means.
        """
        content = self.files.get(DG15.name)
        if content is None:
            return None
        command = internal_authenticate(dg15.parse(content), challenge.value)
        with self._step(StepName.ACTIVE_AUTHENTICATION):
            response = self._channel.send(command)
        return response.data if response.ok and response.data else None

    def _access(self) -> None:
        """Basic Access Control; a password that fitted once is the only one from then on."""
        denied: AccessDeniedError | None = None
        for password in self._passwords:
            try:
                session = self._channel.run(bac(password, self._rng))
            except AccessDeniedError as error:
                denied = error
                continue
            self._channel.protect(session)
            self._passwords = [password]
            return
        raise denied or AccessDeniedError("no password for this card", CardReason.NO_PASSWORD)

    def _read(self, file: ElementaryFile) -> bytes:
        """A chip may drop the session over a block too long: step down and open it again."""
        while True:
            try:
                return self._channel.read_file(file)
            except SecureMessagingError:
                if self._reopenings == MAX_REOPENINGS or not self._channel.step_down():
                    raise
                self._reopenings += 1
                self._reopen()

    def _reopen(self) -> None:
        self._channel.protect(None)
        self._channel.select_application(APPLICATION_ID)
        self._access()

    @contextmanager
    def _step(self, name: StepName) -> Iterator[None]:
        """Announce a step; note its duration and traffic once it has succeeded."""
        self._progress(name)
        started = self._clock()
        apdus, traffic = self._channel.apdus, self._channel.traffic
        yield
        milliseconds = max(0, round((self._clock() - started) * 1000))
        self.steps.append(
            Step(
                name.value,
                milliseconds,
                self._channel.apdus - apdus,
                self._channel.traffic - traffic,
            )
        )
