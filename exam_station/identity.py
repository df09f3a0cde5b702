"""One tap: the server's challenge, the chip's files and proof, the station's own quick opinion."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from card_reader.access.passwords import cccd_passwords
from card_reader.errors import CardError, CardReason
from card_reader.evidence import Challenge, ChipEvidence, Freshness
from card_reader.lds import dg2
from card_reader.reader import DEFAULT_GROUPS, StepName, read_card
from card_reader.transport import Transport
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import IdentityRefused, IdentityUnproven, Policy, Report, verify
from exam_server.contract.api import PlacementView
from exam_server.contract.errors import ErrorCode
from exam_server.contract.evidence_signature import sign_evidence
from exam_station.client import Client, ClientError, ServerRefusedError
from exam_station.face.picture import UnreadablePictureError, decode_picture, encode_jpeg
from exam_station.flow.states import CardReading, CardTrouble
from exam_station.vault import Vault

#: Select, access, SOD, the data groups, active authentication, COM.
STEPS = 5 + len(DEFAULT_GROUPS)


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

    def read(
        self,
        placement: PlacementView,
        connect: Callable[[], Transport],
        *,
        reader: str,
        today: datetime,
        progress: Callable[[str, int, int], None],
    ) -> CardReading:
        """`connect` opens the card on the reader; `progress` hears step, done and total."""
        challenge = self._challenge(placement.id)
        try:
            evidence = self._evidence(placement, connect, challenge, reader, today, progress)
        except CardError as error:
            raise TapError(_trouble(error.reason), str(error)) from error
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
            portrait=_portrait(evidence),
            verdict=report.verdict.value,
            reasons=tuple(finding.value for finding in report.reasons),
        )

    def _challenge(self, placement: str) -> Challenge:
        try:
            issued = self._client.challenge(placement)
            return Challenge(issued.id, issued.value, Freshness.SERVER)
        except ServerRefusedError as refusal:
            busy = refusal.code in (ErrorCode.TOO_BUSY, ErrorCode.INTERNAL)
            reason = CardTrouble.NO_SERVER if busy else CardTrouble.SERVER_REFUSES
            raise TapError(reason, str(refusal)) from refusal
        except ClientError as error:
            raise TapError(CardTrouble.NO_SERVER, str(error)) from error
        except CardError as error:
            raise TapError(CardTrouble.SERVER_REFUSES, str(error)) from error

    def _evidence(
        self,
        placement: PlacementView,
        connect: Callable[[], Transport],
        challenge: Challenge,
        reader: str,
        today: datetime,
        progress: Callable[[str, int, int], None],
    ) -> ChipEvidence:
        """The passwords follow from the roster: nothing is typed (FACTS: the chip card)."""
        passwords = cccd_passwords(
            placement.citizen_number or "", placement.date_of_birth, today=today.date()
        )
        done = 0

        def step(name: StepName) -> None:
            nonlocal done
            progress(name.value, done, STEPS)
            done += 1

        transport = connect()
        try:
            return read_card(
                transport, passwords, challenge=challenge, progress=step, reader=reader
            )
        finally:
            transport.close()

    def _opinion(self, evidence: ChipEvidence, challenge: Challenge) -> Report:
        try:
            return verify(
                evidence,
                self._trust,
                Policy(self._trust.realm),
                at=None,
                expected_challenge=challenge.value,
            ).report
        except (IdentityRefused, IdentityUnproven) as error:
            return error.report


def _portrait(evidence: ChipEvidence) -> bytes | None:
    """The chip's portrait as a JPEG, None where there is none to be had.

    A JPEG stays as it is; JPEG 2000, which screens do not show, is encoded anew.
    """
    raw = evidence.files.get("EF.DG2")
    if raw is None:
        return None
    try:
        image = dg2.parse(raw)[0]
        if image.mime == dg2.JPEG:
            return image.data
        return encode_jpeg(decode_picture(image.data), quality=98)
    except (CardError, UnreadablePictureError):
        return None


def _trouble(reason: CardReason) -> CardTrouble:
    try:
        return CardTrouble(reason.value)
    except ValueError:
        return CardTrouble.CHIP_ANSWERED_WRONGLY
