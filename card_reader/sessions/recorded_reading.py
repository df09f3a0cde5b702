"""One whole reading as a recording states it: what was asked, and what came of it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from card_reader.access.passwords import Password
from card_reader.channel import Recorder
from card_reader.errors import (
    CardError,
    CardReason,
    MalformedEvidenceError,
    ReaderError,
    UnreadableInputError,
)
from card_reader.evidence import AccessPolicy, Challenge, ChipEvidence, Freshness
from card_reader.lds import FILES_BY_NAME, MASTER_FILES_BY_NAME, ElementaryFile
from card_reader.reader import DEFAULT_GROUPS, read_card
from card_reader.reading.strategy import Strategy
from card_reader.sessions.session_file import Fields, Session, hex_of
from card_reader.transport import Transport

DONE = "done"
MAX_GROUPS = 16
MAX_EXTRAS = 8


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that decides what a reader sends, but for the card and the random numbers."""

    passwords: Sequence[Password] = field(repr=False)
    challenge: Challenge | None = None
    groups: Sequence[int] = DEFAULT_GROUPS
    access_policy: AccessPolicy = AccessPolicy.BAC_IF_NOT_OFFERED
    chip_authentication: bool = True
    extras: Sequence[ElementaryFile] = ()
    strategy: Strategy | None = None

    def to_parameters(self) -> dict[str, object]:
        """The ``parameters`` of a session with the procedure ``read_card``."""
        challenge = self.challenge
        return {
            "challenge": challenge
            and {
                "id": challenge.id,
                "value": hex_of(challenge.value),
                "freshness": challenge.freshness.value,
            },
            "groups": list(self.groups),
            "access_policy": self.access_policy.value,
            "chip_authentication": self.chip_authentication,
            "extras": [file.name for file in self.extras],
            "strategy": None if self.strategy is None else self.strategy.to_dict(),
        }

    @classmethod
    def of(cls, session: Session) -> "Reading":
        """The reading that a session recorded."""
        parameters = session.parameters
        policy = parameters.get("access_policy", str) or AccessPolicy.BAC_IF_NOT_OFFERED.value
        if policy not in list(AccessPolicy):
            raise UnreadableInputError("access_policy of parameters is unknown")
        authenticate = parameters.get("chip_authentication", bool)
        return cls(
            passwords=session.passwords,
            challenge=_challenge(parameters),
            groups=parameters.list_of("groups", _number, limit=MAX_GROUPS) or DEFAULT_GROUPS,
            access_policy=AccessPolicy(policy),
            chip_authentication=authenticate is not False,
            extras=parameters.list_of("extras", _extra, limit=MAX_EXTRAS),
            strategy=_strategy(parameters),
        )

    def run(
        self,
        transport: Transport,
        rng: Callable[[int], bytes],
        *,
        clock: Callable[[], float],
        reconnect: Callable[[], Transport] | None,
        recorder: Recorder | None = None,
    ) -> ChipEvidence:
        """Read the card again in the same way; CardError as the reader raises it."""
        return read_card(
            transport,
            self.passwords,
            challenge=self.challenge,
            groups=self.groups,
            access_policy=self.access_policy,
            chip_authentication=self.chip_authentication,
            extras=self.extras,
            strategy=self.strategy,
            reconnect=reconnect,
            recorder=recorder,
            rng=rng,
            clock=clock,
        )


def outcome(ended: ChipEvidence | CardError) -> dict[str, Any]:
    """What a reading came to, as values that a replay compares."""
    if isinstance(ended, CardError):
        return {"outcome": ended.reason.value}
    access = ended.access
    response = ended.active_authentication
    files = {name: hashlib.sha256(raw).hexdigest() for name, raw in ended.files.items()}
    return {
        "outcome": DONE,
        "access": {
            "protocol": access.protocol.value,
            "downgrade": access.downgrade and access.downgrade.value,
        },
        "files_sha256": files,
        "active_authentication": None if response is None else hex_of(response),
        "chip_authentication": ended.chip_authentication is not None,
    }


def _challenge(parameters: Fields) -> Challenge | None:
    value = parameters.get("challenge", dict)
    if value is None:
        return None
    fields = Fields(value, "challenge of parameters")
    freshness = fields.get("freshness", str) or Freshness.STATION.value
    if freshness not in list(Freshness):
        raise UnreadableInputError("freshness of the challenge is unknown")
    try:
        return Challenge(
            fields.get("id", str) or "", fields.octets("value") or b"", Freshness(freshness)
        )
    except MalformedEvidenceError as error:
        raise UnreadableInputError(error.detail) from None


def _strategy(parameters: Fields) -> Strategy | None:
    content = parameters.get("strategy", dict)
    if content is None:
        return None
    try:
        return Strategy.from_dict(content)
    except (ValueError, TypeError) as error:
        raise UnreadableInputError(f"strategy of parameters: {error}") from None


def _extra(value: object, place: str) -> ElementaryFile:
    file = (FILES_BY_NAME | MASTER_FILES_BY_NAME).get(value if isinstance(value, str) else "")
    if file is None:
        raise UnreadableInputError(f"{place} is no name of a file")
    return file


def lost_for_good(session: Session) -> ReaderError:
    """What waiting for a card came to that did not come back."""
    reason = session.result.get("outcome")
    if not isinstance(reason, str) or reason not in list(CardReason):
        reason = CardReason.CARD_REMOVED
    return ReaderError("the recording's card did not come back", CardReason(reason))


def _number(value: object, place: str) -> int:
    if type(value) is not int or not 1 <= value <= MAX_GROUPS:
        raise UnreadableInputError(f"{place} is no number of a data group")
    return value
