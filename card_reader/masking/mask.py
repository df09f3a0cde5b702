"""Making of a recorded reading one that belongs to nobody, and replays the same.

The reader runs once more, with an invented password, against a chip scripted from the recording
(:mod:`card_reader.masking.masked_card`).  So every protocol layer is computed anew, and what comes
out is a recording in its own right.  It is given out only where the reader took the same course to
the same end; otherwise masking fails, and nothing is written.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from card_reader.access.passwords import CanPassword, MrzPassword, Password
from card_reader.errors import CardError, CardReason
from card_reader.evidence import Challenge, ChipEvidence, Freshness
from card_reader.lds import DATA_GROUPS, EF_CARD_ACCESS, dg1, dg14
from card_reader.lds.security_infos import SecurityInfo, parse_infos
from card_reader.masking.file_cursor import FileKey
from card_reader.masking.invention import Inventor
from card_reader.masking.masked_card import MaskedCard, Script, ScriptLeftError, files_read
from card_reader.masking.masked_files import mask_file
from card_reader.masking.masked_protocols import ChipSecrets
from card_reader.reading.capabilities import historical_bytes
from card_reader.sessions.recorded_reading import Reading, lost_for_good, outcome
from card_reader.sessions.recording import SessionRecording
from card_reader.sessions.session_file import Procedure, Session
from card_reader.transport import Transport

DESCRIPTION = "a card read by card-reader, masked: password, contents and keys are invented"
# One number in 256 begins with a zero byte, which DH leaves out: how often chance is tried again.
MAX_ATTEMPTS = 4096
CHANCE_BYTES = 2
CAN_LENGTH = 6
_DG1 = FileKey(True, DATA_GROUPS[1].file_id)
_DG14 = FileKey(True, DATA_GROUPS[14].file_id)
_CARD_ACCESS = FileKey(False, EF_CARD_ACCESS.file_id)


class MaskingFailedError(CardError):
    """The session cannot be told without its owner's data; nothing is written."""

    reason = CardReason.CHIP_ANSWERED_WRONGLY  # whose remedy is to put it on, and record, again


@dataclass(frozen=True, slots=True)
class _Disguise:
    """The invented card: one for all attempts, so that they differ in chance alone."""

    original: Mapping[FileKey, bytes]
    masked: Mapping[FileKey, bytes]
    secrets: ChipSecrets
    reading: Reading
    atr: bytes


def mask(
    session: Session,
    *,
    original: Mapping[str, Any] | None = None,
    rng: Callable[[int], bytes] = os.urandom,
) -> Session:
    """The session with everything of the person exchanged for something of equal shape.

    ``original`` is noted as it is: verdict and reasons that the real card was given.  Raises
    :class:`MaskingFailedError` where the reader would not take the same course again.
    """
    if session.procedure is not Procedure.READ_CARD:
        raise MaskingFailedError("only the recording of a whole reading can be masked")
    inventor = Inventor(rng)
    disguise = _disguise(session, inventor)
    noise: set[int] = set()
    for _ in range(MAX_ATTEMPTS):
        try:
            masked = _attempt(session, disguise, inventor, frozenset(noise), rng)
        except ScriptLeftError as left:
            if not 0 < abs(left.surplus) <= CHANCE_BYTES:
                _add_noise(session, noise, left)
            continue
        return replace(masked, original=dict(original or {}))
    raise MaskingFailedError("the recording cannot be masked: a number of a rare length")


def _attempt(
    session: Session,
    disguise: _Disguise,
    inventor: Inventor,
    noise: frozenset[int],
    rng: Callable[[int], bytes],
) -> Session:
    """One reading of the scripted chip; ScriptLeftError where it went another way."""
    script = Script(session.exchanges, disguise.original, disguise.masked, disguise.secrets, noise)
    card = MaskedCard(disguise.atr, script, inventor, rng)
    recording = SessionRecording(rng, clock=lambda: card.elapsed)
    transport = recording.over(card)

    def reconnect() -> Transport:
        if card.sent == len(session.exchanges):
            raise lost_for_good(session)
        return transport

    ended: ChipEvidence | CardError
    try:
        ended = disguise.reading.run(
            transport,
            recording.rng,
            recorder=recording.exchange,
            clock=lambda: card.elapsed,
            reconnect=reconnect,
        )
    except CardError as error:
        ended = error
    reached = outcome(ended)["outcome"]
    if card.sent < len(session.exchanges) or reached != session.result.get("outcome"):
        raise ScriptLeftError(card.sent)
    return recording.session(disguise.reading, ended, DESCRIPTION)


def _add_noise(session: Session, noise: set[int], left: ScriptLeftError) -> None:
    """Where the reader leaves the script, the answer before was one it could not use."""
    blamed = left.exchange if left.answer else left.exchange - 1
    while blamed > 0 and session.exchanges[blamed - 1].continues:
        blamed -= 1
    if blamed < 0 or blamed in noise:
        raise MaskingFailedError(
            f"the recording cannot be masked: the reader takes another course at exchange"
            f" {left.exchange}; record with --record-unmasked if you may"
        )
    noise.add(blamed)


# --- the invented card --------------------------------------------------------------------------


def _disguise(session: Session, inventor: Inventor) -> _Disguise:
    original = files_read(session.exchanges)
    masked = {key: mask_file(key.name, raw, inventor) for key, raw in original.items()}
    mrz = _mrz_password(masked.get(_DG1), inventor)
    can = CanPassword(inventor.text("0" * _can_length(session)))
    secrets = ChipSecrets(
        mrz=mrz,
        can=can,
        card_access=_infos(parse_infos, masked.get(_CARD_ACCESS)),
        security_infos=_infos(dg14.parse, masked.get(_DG14)),
        keys=inventor.keys,
    )
    reading = Reading.of(session)
    challenge = reading.challenge
    return _Disguise(
        original=original,
        masked=masked,
        secrets=secrets,
        reading=replace(
            reading,
            passwords=tuple(_invented(item, mrz, can) for item in reading.passwords),
            challenge=challenge
            and Challenge("masked", inventor.octets(len(challenge.value)), Freshness.STATION),
        ),
        atr=mask_atr(session.atr, inventor),
    )


def _invented(password: Password, mrz: MrzPassword, can: CanPassword) -> Password:
    """One password of each kind for all: which of them the card took, its answers tell."""
    return can if isinstance(password, CanPassword) else mrz


def _mrz_password(data_group_1: bytes | None, inventor: Inventor) -> MrzPassword:
    """The password of the invented MRZ, or of none at all where that was not read."""
    try:
        zone = dg1.parse(data_group_1 or b"")
        days = [f"{day:%y%m%d}" for day in (zone.date_of_birth, zone.date_of_expiry)]
        return MrzPassword(zone.document_number, *days)
    except (CardError, TypeError):  # no MRZ, or a day without all its parts
        day = f"{inventor.day():%y%m%d}"
        return MrzPassword(inventor.text("000000000"), day, day)


def _can_length(session: Session) -> int:
    lengths = [len(item.can) for item in session.passwords if isinstance(item, CanPassword)]
    return lengths[0] if lengths else CAN_LENGTH


def _infos(
    parse: Callable[[bytes], tuple[SecurityInfo, ...]], content: bytes | None
) -> tuple[SecurityInfo, ...]:
    try:
        return parse(content) if content else ()
    except CardError:
        return ()


def mask_atr(atr: bytes, inventor: Inventor) -> bytes:
    """The answer to reset, which tells the kind of card, without data that tells the card.

    Of the objects in the historical bytes (ISO 7816-4 §12.1.1) only those on services and
    capabilities stay; the check byte follows.
    """
    historical = historical_bytes(atr)
    if historical[:1] not in (b"\x00", b"\x80"):
        return atr
    end = len(historical) - (3 if historical[:1] == b"\x00" else 0)
    masked = bytearray(historical)
    position = 1
    while position < end:
        tag, length = historical[position] >> 4, historical[position] & 0x0F
        value = slice(position + 1, min(end, position + 1 + length))
        if tag not in _KINDS:
            masked[value] = inventor.octets(value.stop - value.start)
        position += 1 + length
    at = atr.rfind(historical)
    body = atr[:at] + bytes(masked)
    rest = atr[at + len(historical) :]
    if len(rest) != 1:
        return body + rest
    check = 0
    for byte in body[1:]:
        check ^= byte
    return body + bytes([check])


# Compact-TLV tags: country, issuer, service data, initial access, capabilities, status.
_KINDS = frozenset({1, 2, 3, 4, 7, 8})
