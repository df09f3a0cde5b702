"""One tap: the server's challenge, the chip's files and proof, the station's own quick opinion."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from card_reader.access.citizen_card import cccd_passwords
from card_reader.errors import CardError, CardReason
from card_reader.evidence import Challenge, ChipEvidence, Freshness
from card_reader.lds import DATA_GROUPS, dg2
from card_reader.reader import StepName, read_card
from card_reader.reading.strategy import CardMemory
from card_reader.transport import Transport
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import IdentityRefusedError, IdentityUnprovenError, Policy, Report, verify
from exam_server.contract.api import PlacementView
from exam_server.contract.evidence_signature import sign_evidence
from exam_station.client import Client, ClientError, tells_nothing
from exam_station.face.picture import UnreadablePictureError, decode_picture, encode_jpeg
from exam_station.flow.codes import CardTrouble
from exam_station.flow.screens import CardReading
from exam_station.offline import RoomChallenge
from exam_station.settings import CARD_GROUPS
from exam_station.terminal import ServerTerminal
from exam_station.vault import Vault

#: Card access, lengths, select, access, SOD, the data groups, both proofs of the chip.
STEPS = 7 + len(CARD_GROUPS)
DG2 = DATA_GROUPS[2].name

#: Hears the step's name, how many are behind, how many there are, and the portrait once it is read.
Progress = Callable[[str, int, int, bytes | None], None]

#: Reasons that mean something else at a kiosk, where nobody types passwords or opens files; every
#: other one is a trouble of the same name.
TROUBLES = {
    CardReason.NO_PASSWORD: CardTrouble.NO_IDENTITY_DATA,
    CardReason.UNREADABLE_INPUT: CardTrouble.MALFORMED_FILE,
    CardReason.CHIP_NOT_GENUINE: CardTrouble.CHIP_ANSWERED_WRONGLY,
    CardReason.IDENTITY_REFUSED: CardTrouble.CHIP_ANSWERED_WRONGLY,
    CardReason.IDENTITY_UNPROVEN: CardTrouble.CHIP_ANSWERED_WRONGLY,
}


class TapError(Exception):
    """The tap came to nothing; the candidate may try again."""

    def __init__(self, reason: CardTrouble, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def load_trust(folder: Path, realm: str) -> TrustStore:
    """The anchors in `folder`, none where there is no folder. Raises CardError."""
    paths = [folder] if folder.is_dir() else []
    return TrustStore.load(paths, crls=paths, realm=Realm(realm))


class Identification:
    """Reads cards for this station. Raises TapError and nothing else."""

    def __init__(self, client: Client, vault: Vault, trust: TrustStore) -> None:
        self._client = client
        self._vault = vault
        self._trust = trust
        self._memory = CardMemory()

    def read(
        self,
        placement: PlacementView,
        connect: Callable[[], Transport],
        reconnect: Callable[[], Transport] | None = None,
        *,
        reader: str,
        today: datetime,
        progress: Progress,
        offline: RoomChallenge | None = None,
    ) -> CardReading:
        """`connect` opens the card on the reader, `reconnect` waits for one that slipped off.

        The challenge is the server's, or `offline` where there is no network.
        """
        if offline is None:
            challenge, expires_at = self._challenge(placement.id)
        else:
            challenge, expires_at = offline.challenge, None
        tap = _Tap(progress)
        try:
            evidence = self._evidence(placement, connect, reconnect, challenge, reader, today, tap)
        except CardError as error:
            raise TapError(trouble(error.reason), str(error)) from error
        except ClientError as error:
            raise _no_answer(error) from error
        raw = evidence.to_bytes()
        report = self._opinion(evidence, challenge)
        return CardReading(
            challenge=challenge.id,
            evidence=raw,
            signature=sign_evidence(
                self._vault.signing,
                station=self._vault.station,
                placement=placement.id,
                evidence=raw,
            ),
            portrait=tap.portrait,
            verdict=report.verdict.value,
            reasons=tuple(finding.value for finding in report.reasons),
            expires_at=expires_at,
            counter=offline.counter if offline else None,
        )

    def _challenge(self, placement: str) -> tuple[Challenge, datetime]:
        try:
            issued = self._client.challenge(placement)
            return Challenge(issued.id, issued.value, Freshness.SERVER), issued.expires_at
        except ClientError as error:
            raise _no_answer(error) from error
        except CardError as error:
            raise TapError(CardTrouble.SERVER_REFUSES, str(error)) from error

    def _evidence(
        self,
        placement: PlacementView,
        connect: Callable[[], Transport],
        reconnect: Callable[[], Transport] | None,
        challenge: Challenge,
        reader: str,
        today: datetime,
        tap: "_Tap",
    ) -> ChipEvidence:
        """The passwords follow from the roster: nothing is typed (FACTS: the chip card)."""
        passwords = cccd_passwords(
            placement.citizen_number or "", placement.date_of_birth, today=today.date()
        )
        with ExitStack() as contacts:

            def kept(transport: Transport) -> Transport:
                contacts.callback(transport.close)
                return transport

            return read_card(
                kept(connect()),
                passwords,
                challenge=challenge,
                progress=tap.step,
                on_file=tap.file,
                terminal=self._terminal(challenge),
                memory=self._memory,
                reconnect=(lambda: kept(reconnect())) if reconnect else None,
                groups=CARD_GROUPS,
                reader=reader,
            )

    def _terminal(self, challenge: Challenge) -> ServerTerminal | None:
        """The server runs chip authentication under a challenge of its own; without network the
        station does, and says so."""
        if challenge.freshness is not Freshness.SERVER:
            return None
        return ServerTerminal(self._client, challenge.id)

    def _opinion(self, evidence: ChipEvidence, challenge: Challenge) -> Report:
        try:
            return verify(
                evidence,
                self._trust,
                Policy(self._trust.realm),
                at=None,
                expected_challenge=challenge.value,
            ).report
        except (IdentityRefusedError, IdentityUnprovenError) as error:
            return error.report


def _no_answer(error: ClientError) -> TapError:
    """What it means to the candidate that the server gave nothing to go on with."""
    reason = CardTrouble.NO_SERVER if tells_nothing(error) else CardTrouble.SERVER_REFUSES
    return TapError(reason, str(error))


class _Tap:
    """One reading as it goes on: counts its steps, takes the portrait out as soon as it comes."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._name = ""
        self._begun = 0
        self.portrait: bytes | None = None

    def step(self, name: StepName) -> None:
        self._name = name.value
        self._begun += 1
        self._tell()

    def file(self, name: str, content: bytes) -> None:
        if name == DG2:
            self.portrait = _portrait(content)
            self._tell()

    def _tell(self) -> None:
        self._progress(self._name, self._begun - 1, STEPS, self.portrait)


def _portrait(raw: bytes) -> bytes | None:
    """The portrait in EF.DG2 as a JPEG, None where there is none to be had.

    A JPEG stays as it is; JPEG 2000, which screens do not show, is encoded anew.
    """
    try:
        image = dg2.parse(raw)[0]
        if image.mime == dg2.JPEG:
            return image.data
        return encode_jpeg(decode_picture(image.data), quality=98)
    except (CardError, UnreadablePictureError):
        return None


def trouble(reason: CardReason) -> CardTrouble:
    """What a reason of the card reader means to the candidate."""
    return TROUBLES.get(reason) or CardTrouble(reason.value)
