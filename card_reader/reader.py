"""Reading a card: a row of named steps from first contact to evidence.

What exists on the card is taken from EF.SOD, which the issuer signed, never from EF.COM, which
nobody did.  Fingerprints and irises (EF.DG3, EF.DG4) are never asked for.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from card_reader.access.passwords import Password
from card_reader.channel import Channel, Recorder
from card_reader.chip.chip_authentication import RemoteTerminal
from card_reader.errors import CardError
from card_reader.evidence import AccessPolicy, Challenge, ChipEvidence
from card_reader.lds import DATA_GROUPS, EF_CARD_ACCESS, EF_COM, EF_SOD, ElementaryFile, sod
from card_reader.reading.conversation import Conversation, StepName
from card_reader.reading.file_reading import FileReader
from card_reader.reading.opening import Opener
from card_reader.reading.proving import Prover
from card_reader.reading.strategy import CardMemory, Strategy
from card_reader.transport import Transport

__all__ = ["DEFAULT_GROUPS", "NEVER_READ", "StepName", "read_card", "reader_version"]

DEFAULT_GROUPS = (1, 2, 13, 14, 15)
NEVER_READ = frozenset({3, 4})
# Who and which face first, so that a person sees something; then what proves the chip.
FIRST_GROUPS = (1, 2, 14, 15)


def _ignore(*_: object) -> None:
    """The default of every callback."""


def read_card(
    transport: Transport,
    passwords: Sequence[Password],
    *,
    challenge: Challenge | None,
    access_policy: AccessPolicy = AccessPolicy.BAC_IF_NOT_OFFERED,
    terminal: RemoteTerminal | None = None,
    chip_authentication: bool = True,
    groups: Sequence[int] = DEFAULT_GROUPS,
    extras: Sequence[ElementaryFile] = (),
    memory: CardMemory | None = None,
    strategy: Strategy | None = None,
    reconnect: Callable[[], Transport] | None = None,
    progress: Callable[[StepName], None] = _ignore,
    on_file: Callable[[str, bytes], None] = _ignore,
    recorder: Recorder | None = None,
    reader: str = "",
    rng: Callable[[int], bytes] = os.urandom,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ChipEvidence:
    """Open the chip with the first password that fits, read its files, let it prove itself.

    ``passwords`` come likeliest first.  ``groups`` are the data groups wanted; those that EF.SOD
    does not list are left alone.  ``extras`` are files that no identity needs: EF.COM, EF.DIR,
    EF.ATR/INFO.  ``terminal`` is a server that runs chip authentication in this reader's place.
    ``memory`` keeps what is learnt of kinds of cards; ``strategy`` is taken in its stead.

    ``reconnect`` waits for a card that left the field and gives a new contact, or raises
    ReaderError; without it a lost contact ends the reading.

    ``progress`` hears the name of each step as it begins, ``on_file`` each file as soon as it is
    read (the portrait is among the first), ``recorder`` every exchange.  Raises
    :class:`card_reader.errors.CardError`; verifying is :mod:`card_reader.verify`'s part.
    """
    channel = Channel(transport, recorder=recorder)
    files = FileReader(channel)
    opener = Opener(channel, files, passwords, access_policy, rng, clock)
    reading = Conversation(channel, files, opener, reconnect, progress, on_file, clock)
    reading.make_contact(memory, strategy, extras)
    reading.open()
    listed = sod.parse(reading.file(EF_SOD)).data_group_hashes
    for number in sorted(set(groups) & set(listed) - NEVER_READ, key=_place):
        reading.optional_file(DATA_GROUPS[number])
    prover = Prover(channel, rng)
    reading.prove(prover, challenge, terminal, chip_authentication=chip_authentication)
    if EF_COM in extras:
        with suppress(CardError):  # nobody signed it: no reading fails over it
            reading.optional_file(EF_COM)
    if memory is not None and strategy is None:
        if reading.missed_offer:  # another card may have taught a wrong way to it
            channel.learn(master_file=None)
        memory.learn(transport.atr, reading.files.get(EF_CARD_ACCESS.name), channel.strategy)
    return ChipEvidence(
        files=reading.files,
        challenge=challenge,
        active_authentication=prover.response,
        access=reading.opened.access,
        steps=reading.steps,
        atr=transport.atr,
        reader=reader,
        reader_version=reader_version(),
        read_at=now(),
        chip_authentication=prover.record,
        chip_mapping=reading.opened.chip_mapping,
    )


def reader_version() -> str:
    """Version of this package, as evidence names it."""
    try:
        return version("truong-thi")
    except PackageNotFoundError:
        return "unreleased"


def _place(group: int) -> int:
    """A group's place in the order of reading."""
    return FIRST_GROUPS.index(group) if group in FIRST_GROUPS else len(FIRST_GROUPS) + group
