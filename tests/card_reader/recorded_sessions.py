"""Readings of simulated cards, recorded, for the tests of recording, replay and masking."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from card_reader.access.passwords import Password
from card_reader.channel import Channel
from card_reader.errors import CardError
from card_reader.evidence import AccessPolicy, Challenge, ChipEvidence, Freshness
from card_reader.reading.strategy import Strategy
from card_reader.sessions.recorded_reading import Reading
from card_reader.sessions.recording import SessionRecording
from card_reader.sessions.session_file import Fields, Procedure, Session
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.transport import SimulatedTransport
from card_reader.transport import Transport

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


def reading_with(
    passwords: Sequence[Password],
    *,
    access_policy: AccessPolicy = AccessPolicy.BAC_IF_NOT_OFFERED,
) -> Reading:
    return Reading(
        tuple(passwords),
        challenge=Challenge("test", os.urandom(8), Freshness.STATION),
        groups=(1, 2, 7, 11, 12, 13, 14, 15),
        access_policy=access_policy,
    )


def contact(card: CardProfile) -> SimulatedTransport:
    return SimulatedTransport(Chip(card))


def record(
    reading: Reading,
    transport: Transport,
    reconnect: Callable[[], Transport] | None = None,
) -> Session:
    """One reading over ``transport``, whatever comes of it."""
    recording = SessionRecording()

    def come_back() -> Transport:
        assert reconnect is not None
        return recording.over(reconnect())

    ended: ChipEvidence | CardError
    try:
        ended = reading.run(
            recording.over(transport),
            recording.rng,
            clock=lambda: 0.0,
            reconnect=come_back if reconnect else None,
            recorder=recording.exchange,
        )
    except CardError as error:
        ended = error
    return recording.session(reading, ended)


def record_procedure(
    procedure: Procedure,
    transport: Transport,
    drive: Callable[[Channel, Callable[[int], bytes]], None],
    *,
    passwords: Sequence[Password] = (),
    files: dict[str, bytes] | None = None,
    parameters: dict[str, object] | None = None,
    strategy: Strategy | None = None,
) -> Session:
    """One protocol over a channel, as a session of its own; a refusal is recorded too."""
    recording = SessionRecording()
    channel = Channel(recording.over(transport), strategy=strategy, recorder=recording.exchange)
    end = None
    try:
        drive(channel, recording.rng)
        end = channel.session_keys
    except CardError:
        pass
    whole = recording.session(reading_with(passwords), CardError("not a whole reading"))
    return Session(
        procedure=procedure,
        exchanges=whole.exchanges,
        randomness=whole.randomness,
        end=end,
        has_end=True,
        passwords=tuple(passwords),
        files=files or {},
        parameters=Fields(parameters or {}, "parameters"),
    )
