"""What the kiosk does to know its candidate: card, camera, the server's or proctor's decision."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from card_reader.errors import CardReason, ReaderError
from card_reader.transport import Transport
from exam_server.contract import api
from exam_server.contract.errors import ContractError, ErrorCode
from exam_station.client import Client, ClientError, ServerRefusedError
from exam_station.clock import ServerClock
from exam_station.flow import effects, events
from exam_station.flow.events import Event
from exam_station.identity import Identification, TapError
from exam_station.looking import Looking
from exam_station.offline import Offline
from exam_station.readers import Readers, ReaderWatch
from exam_station.settings import Settings

log = logging.getLogger("exam_station")

#: A card that slips off while it is read may come back for so many seconds, and is read on.
CARD_RETURNS_WITHIN = 4.0
CARD_POLL = 0.2
_NOBODY = -1


class CheckInJobs:
    """Each method is one job on a worker; what came of it is posted.

    `wait` gives the seconds after which it is worth trying again.
    """

    def __init__(
        self,
        settings: Settings,
        client: Client,
        *,
        identification: Identification,
        offline: Offline,
        readers: Readers,
        watch: ReaderWatch,
        clock: ServerClock,
        post: Callable[[Event], None],
        wait: Callable[[ClientError], float],
    ) -> None:
        self._settings = settings
        self._client = client
        self._identification = identification
        self._offline = offline
        self._readers = readers
        self._watch = watch
        self._clock = clock
        self._post = post
        self._wait = wait
        self._looking_turn = _NOBODY

    def read_card(self, effect: effects.ReadCard) -> None:
        turn, reader = effect.turn, self._watch.occupied
        challenge = None
        if effect.room_code is not None:
            challenge = self._offline.challenge(effect.placement.id, effect.room_code)

        def connect() -> Transport:
            if reader is None:
                raise ReaderError("the card was taken off", CardReason.CARD_REMOVED)
            return self._readers.connect(reader)

        def reconnect() -> Transport:
            return self._card_again(reader)

        def stepped(step: str, done: int, total: int, portrait: bytes | None) -> None:
            self._post(events.ReadingStepped(turn, step, done, total, portrait))

        try:
            reading = self._identification.read(
                effect.placement,
                connect,
                reconnect,
                reader=reader or "",
                today=self._clock.now() or datetime.now(UTC),
                progress=stepped,
                offline=challenge,
            )
            self._post(events.CardRead(turn, reading))
        except TapError as error:
            log.info("the card could not be read: %s", error)
            self._post(events.CardFailed(turn, error.reason))

    def _card_again(self, reader: str | None) -> Transport:
        """The card that slipped, once it lies on the reader again; waits a little for it."""
        until = time.monotonic() + CARD_RETURNS_WITHIN
        while reader is not None and time.monotonic() < until:
            try:
                return self._readers.connect(reader)
            except ReaderError:
                time.sleep(CARD_POLL)
        raise ReaderError("the card was taken off", CardReason.CARD_REMOVED)

    def want_face(self, turn: int) -> None:
        """From now on the camera looks for the check of `turn`, and for no other."""
        self._looking_turn = turn

    def stop_looking(self) -> None:
        self._looking_turn = _NOBODY

    def look(self, turn: int, portrait: bytes) -> None:
        looking = Looking(
            turn,
            portrait,
            camera=self._settings.camera,
            models=self._settings.models,
            wanted=lambda: self._looking_turn == turn,
        )
        looking.run(self._post)

    def check_in(self, effect: effects.CheckIn) -> None:
        reading, face = effect.reading, effect.face
        request = api.CheckInRequest(
            placement=effect.placement,
            challenge=reading.challenge,
            evidence=reading.evidence,
            evidence_signature=reading.signature,
            consent=effect.consent,
            face=face.record if face else None,
            captures=list(face.captures) if face else [],
        )
        self._decided(effect.turn, lambda: self._client.check_in(request))

    def ask_check_in(self, effect: effects.AskCheckIn) -> None:
        self._decided(effect.turn, lambda: self._client.checkin(effect.checkin))

    def _decided(self, turn: int, ask: Callable[[], api.CheckInView]) -> None:
        try:
            self._post(events.CheckInAnswered(turn, ask()))
        except ServerRefusedError as refusal:
            log.warning("the check-in was refused: %s", refusal)
            self._post(events.CheckInFailed(turn, refusal.code, self._wait(refusal)))
        except ClientError as error:
            self._post(events.CheckInFailed(turn, wait=self._wait(error)))

    def judge_room_code(self, effect: effects.JudgeRoomCode) -> None:
        self._post(events.RoomCodeJudged(effect.turn, self._offline.judge(effect.text)))

    def admit_offline(self, effect: effects.AdmitOffline) -> None:
        try:
            attempt, conditional = self._offline.admit(
                effect.placement,
                effect.reading,
                consent=effect.consent,
                face=effect.face,
                code=effect.room_code,
            )
        except (ContractError, OSError) as error:
            log.error("a check-in without network could not be kept: %s", error)
            self._post(events.CheckInFailed(effect.turn, ErrorCode.INTERNAL))
            return
        self._post(events.AdmittedOffline(effect.turn, attempt, conditional))
