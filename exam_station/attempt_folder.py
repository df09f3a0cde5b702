"""An attempt's folder on the station's disk: lease, journal, receipt, and what waits to be told."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from exam_server.contract import api, journal_file
from exam_server.contract.attempt_folder import (
    CHECK_IN,
    CLAIM,
    JOURNAL,
    STARTED,
    open_checkin,
    seal_checkin,
)
from exam_server.contract.errors import ContractError
from exam_server.contract.move_token import SignedMoveToken
from exam_server.contract.records import Submitted
from exam_station import durable

ATTEMPTS = "attempts"
LEASE, RECEIPT = "lease.json", "receipt.json"
#: The name of `CLAIM` once the server knows of it.
CLAIMED = "claimed"

View = TypeVar("View", bound=BaseModel)


class AttemptFolder:
    """Raises OSError from the disk, ContractError for an attempt that can be no folder's name."""

    def __init__(self, data: Path, attempt: str) -> None:
        self.attempt = attempt
        self.path = data / ATTEMPTS / durable.plain_name(attempt)

    @classmethod
    def all(cls, data: Path) -> list["AttemptFolder"]:
        """Every attempt that this station ever wrote, in no order that means anything."""
        folder = data / ATTEMPTS
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return [cls(data, name) for name in names if not name.startswith(".")]

    @property
    def journal(self) -> Path:
        return self.path / JOURNAL

    def put_journal_by(self, epoch: int) -> None:
        """The journal from before the lease of `epoch` stays on this disk, under another name."""
        durable.rename(self.journal, self._before(epoch))

    @property
    def coming(self) -> Path:
        """Where a journal is written that is to replace this station's own from before."""
        return self.journal.with_name(f"{JOURNAL}.coming")

    def replace_journal(self, epoch: int) -> None:
        """What is in `coming` is the journal from now on, in one act; the former one is put by."""
        with contextlib.suppress(FileExistsError):
            os.link(self.journal, self._before(epoch))
        durable.rename(self.coming, self.journal)

    def _before(self, epoch: int) -> Path:
        return self.journal.with_name(f"{JOURNAL}.before-{epoch}")

    def lease(self) -> api.LeaseView | None:
        return self._load(LEASE, api.LeaseView)

    def keep_lease(self, lease: api.LeaseView) -> None:
        self._keep(LEASE, lease)

    def forget_lease(self) -> None:
        (self.path / LEASE).unlink(missing_ok=True)

    def receipt(self) -> api.ReceiptView | None:
        return self._load(RECEIPT, api.ReceiptView)

    def keep_receipt(self, receipt: api.ReceiptView) -> None:
        self._keep(RECEIPT, receipt)

    def started(self) -> api.StartedByCode | None:
        """What the server is still to be told of the start; None where it knows."""
        return self._load(STARTED, api.StartedByCode)

    def keep_started(self, started: api.StartedByCode) -> None:
        self._keep(STARTED, started)

    def started_is_told(self) -> None:
        (self.path / STARTED).unlink(missing_ok=True)

    def checkin(self, attempt_key: bytes) -> api.OfflineCheckIn | None:
        """The check-in that the server is still to be told; ContractError where it is damaged."""
        try:
            data = (self.path / CHECK_IN).read_bytes()
        except FileNotFoundError:
            return None
        return open_checkin(data, attempt_key)

    def keep_checkin(
        self, told: api.OfflineCheckIn, attempt_key: bytes, rng: Callable[[int], bytes]
    ) -> None:
        durable.write_file(self.path / CHECK_IN, seal_checkin(told, attempt_key, rng))

    def checkin_is_told(self) -> None:
        (self.path / CHECK_IN).unlink(missing_ok=True)

    def claim(self) -> SignedMoveToken | None:
        """The token that the server is still to be shown; ContractError where it is damaged."""
        try:
            return SignedMoveToken.from_bytes((self.path / CLAIM).read_bytes())
        except FileNotFoundError:
            return None

    def keep_claim(self, signed: SignedMoveToken) -> None:
        durable.write_file(self.path / CLAIM, signed.to_bytes())

    def claim_is_told(self) -> None:
        durable.rename(self.path / CLAIM, self.path / CLAIMED)

    @property
    def came_by_token(self) -> bool:
        """Whether the attempt was carried here from another station. The journal comes last, and
        before it nothing of the move counts: one that ends with a token given here before is the
        former one."""
        token, own = self._token(), self._own_token()
        if token is None or not self.journal.exists():
            return False
        return own is None or own.token.epoch > token.token.epoch

    @property
    def carried_away(self) -> bool:
        """Whether the journal ends with a token for another station."""
        return self._own_token() is not None

    def _token(self) -> SignedMoveToken | None:
        """The last one with which the attempt came here, whether or not the server knows of it."""
        for name in (CLAIM, CLAIMED):
            with contextlib.suppress(FileNotFoundError):
                return SignedMoveToken.from_bytes((self.path / name).read_bytes())
        return None

    def _own_token(self) -> SignedMoveToken | None:
        """The one that ends the journal here; a damaged journal is told of where it is opened."""
        try:
            return journal_file.read(self.journal.read_bytes()).moved
        except (FileNotFoundError, ContractError):
            return None

    def state(self, attempt_key: bytes) -> api.AttemptState | None:
        """How far the attempt went on this station, as far as its disk tells."""
        if (self.path / RECEIPT).exists():
            return api.AttemptState.SUBMITTED
        if self.journal.exists():
            handed_in = self.is_handed_in(attempt_key)
            return api.AttemptState.SUBMITTED if handed_in else api.AttemptState.WRITING
        return api.AttemptState.ADMITTED if (self.path / LEASE).exists() else None

    def is_handed_in(self, attempt_key: bytes) -> bool:
        """Whether the journal's last record is the hand-in; a damaged journal's is not."""
        try:
            records = journal_file.read(self.journal.read_bytes()).records
            return bool(records) and isinstance(records[-1].open(attempt_key)[0], Submitted)
        except (FileNotFoundError, ContractError, journal_file.DamagedFileError):
            return False

    def _keep(self, name: str, view: BaseModel) -> None:
        durable.write_file(self.path / name, view.model_dump_json().encode())

    def _load(self, name: str, kind: type[View]) -> View | None:
        try:
            return kind.model_validate_json((self.path / name).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
