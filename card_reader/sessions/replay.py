"""Running the reader's own protocol code against a recorded session with a card.

The card is a list of recorded responses, the random numbers are the recorded ones; so the reader
must send the recorded commands to the byte and arrive at the recorded end.  The session's
``parameters`` override the reader's own choices.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from card_reader.apdu import MAX_SHORT_LE, CommandApdu, ResponseApdu
from card_reader.channel import Channel
from card_reader.errors import CardError, SecureMessagingError, UnreadableInputError
from card_reader.reading.file_reading import READ_BINARY
from card_reader.reading.strategy import Strategy
from card_reader.secure_messaging import SessionKeys
from card_reader.sessions.recorded_card import (
    Difference,
    RecordedCard,
    RecordedRandomness,
    ReplayStoppedError,
)
from card_reader.sessions.replay_files import Run
from card_reader.sessions.replay_procedures import PROCEDURES, start
from card_reader.sessions.session_file import Session, hex_of


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What came of a replay.

    ``end_matches`` compares cipher, keys and counter, None where the session states no end.
    ``result_matches`` names each further value of the session that was computed here too.
    ``error`` is the reader's own, as when a recorded card refused it.
    """

    first_difference: Difference | None
    end_matches: bool | None
    result_matches: Mapping[str, bool]
    exchanges: int
    error: CardError | None = None

    @property
    def identical(self) -> bool:
        """Every command equal, the end reached, the computed values equal."""
        return (
            self.first_difference is None
            and self.end_matches is not False
            and all(self.result_matches.values())
        )

    def to_dict(self) -> dict[str, object]:
        difference, error = self.first_difference, self.error
        return {
            "identical": self.identical,
            "first_difference": difference and difference.to_dict(),
            "end_matches": self.end_matches,
            "result_matches": dict(self.result_matches),
            "exchanges": self.exchanges,
            "reader_error": None if error is None else error.reason.value,
        }


def replay(session: Session) -> ReplayResult:
    """Run the session's procedure; raises UnreadableInputError where the session is unusable."""
    card = RecordedCard(session)
    run = Run(session, card, RecordedRandomness(session.randomness), _RecordedForm(card))
    error: CardError | None = None
    try:
        start(run)
        PROCEDURES[session.procedure](run)
    except ReplayStoppedError:
        pass
    except UnreadableInputError:
        raise
    except CardError as caught:
        error = caught
    return ReplayResult(
        first_difference=card.finish(may_go_on=run.at_files),
        end_matches=_end_matches(session, run.channel.session_keys, error),
        result_matches=_result_matches(session.result, run.results),
        exchanges=card.sent,
        error=error,
    )


class _RecordedForm(Channel):
    """A channel whose commands take the extended form where the recorded ones do."""

    def __init__(self, card: RecordedCard) -> None:
        extended = any(_is_extended(item.command) for item in card.exchanges)
        super().__init__(card, strategy=Strategy(extended=None if extended else False))
        self._card = card

    def send(self, command: CommandApdu, *, extended: bool | None = None) -> ResponseApdu:
        recorded = self._card.next
        if extended is None and recorded is not None and _is_extended(recorded.command):
            extended = True
        return super().send(self._as_long(command), extended=extended)

    def _as_long(self, command: CommandApdu) -> CommandApdu:
        """Where the reader asks for what a short protected response holds, and the recorded
        terminal for more, all there is for instance: as long as that.
        """
        recorded = self._card.next_plain
        if (
            recorded is None
            or command.ins != READ_BINARY
            or recorded.header[1:] != command.header[1:]
            or command.le != self.max_short_data
            or not self.max_short_data < (recorded.le or 0) <= MAX_SHORT_LE
        ):
            return command
        return replace(command, le=recorded.le)


def _is_extended(command: bytes) -> bool:
    # ISO 7816-4 §5.1: a body that starts with 00 and goes on is in the extended form.
    return len(command) > 5 and command[4] == 0


def _end_matches(
    session: Session, reached: SessionKeys | None, error: CardError | None
) -> bool | None:
    """None where the session states no end, as one does that ended in a refusal.

    Keys under which a response was not authentic are no longer in force.
    """
    if not session.has_end or (error is not None and session.end is None):
        return None
    broken = isinstance(error, SecureMessagingError)
    return session.end == (None if broken else reached)


def _result_matches(stated: Mapping[str, Any], computed: Mapping[str, Any]) -> dict[str, bool]:
    return {
        name: _comparable(value) == _comparable(computed[name])
        for name, value in stated.items()
        if name in computed
    }


def _comparable(value: object) -> object:
    if isinstance(value, bytes):
        return hex_of(value)
    return value.upper() if isinstance(value, str) else value
