"""The right to write an attempt at this station: as it lies on the disk, else from the server."""

from pathlib import Path

from exam_server.contract import api
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.records import WritingKeys
from exam_server.contract.wrapping import Purpose, unwrap
from exam_station.attempt_folder import AttemptFolder
from exam_station.client import (
    Client,
    ClientError,
    ServerRefusedError,
    ServerUnreachableError,
    tells_nothing,
)
from exam_station.flow.codes import NoticeCode
from exam_station.stopping import StoppedError, asked
from exam_station.vault import Vault


def is_disputed(error: ClientError) -> bool:
    """Whether the station may go on under its lease, though another one writes, too."""
    return isinstance(error, ServerRefusedError) and error.code is ErrorCode.LEASE_CONFLICT


def goes_on(error: ClientError, *, lost: bool) -> bool:
    """Whether what this station knows holds though the server did not give it anew. One refusal
    for want of a database is asked about again: meanwhile others may have written. Where the
    server has been `lost` for a while, it is as without network."""
    if isinstance(error, ServerUnreachableError) or is_disputed(error):
        return True
    return lost and tells_nothing(error)


class Leases:
    """Raises ClientError where trying again may help, StoppedError where a person must."""

    def __init__(self, data: Path, client: Client, vault: Vault) -> None:
        self._data = data
        self._client = client
        self._vault = vault

    def take(self, attempt: str) -> api.LeaseView:
        """As kept on disk, else from the server."""
        kept = AttemptFolder(self._data, attempt).lease()
        return self.ask(attempt) if kept is None else kept

    def renew(self, attempt: str, *, lost: bool) -> api.LeaseView:
        """As it is now: another station may have had it in between. The one on disk where the
        server cannot be reached, or is `lost` though it answers; and where two stations write and
        nobody has said yet whose journal counts: both go on."""
        try:
            return self.ask(attempt)
        except ClientError as error:
            kept = AttemptFolder(self._data, attempt).lease()
            if kept is None or not goes_on(error, lost=lost):
                raise
            return kept

    def confirm(self, attempt: str) -> None:
        """Raises where the attempt is not this station's to write any more."""
        try:
            asked(lambda: self._client.lease(attempt))
        except ServerRefusedError as refusal:
            if not is_disputed(refusal):
                raise

    def ask(self, attempt: str) -> api.LeaseView:
        """From the server, and kept on the disk."""
        lease = asked(lambda: self._client.lease(attempt))
        if lease.attempt != attempt:
            raise StoppedError(NoticeCode.SERVER_REFUSES, "a lease of another attempt")
        try:
            AttemptFolder(self._data, attempt).keep_lease(lease)
        except OSError as error:
            raise StoppedError(NoticeCode.DISK_FULL, "the lease cannot be written") from error
        return lease

    def keys(self, lease: api.LeaseView) -> WritingKeys:
        wrapping, attempt = self._vault.wrapping, lease.attempt
        try:
            lease_key = unwrap(
                lease.lease_key, wrapping, Purpose.LEASE_KEY, attempt, str(lease.epoch)
            )
            attempt_key = unwrap(lease.attempt_key, wrapping, Purpose.ATTEMPT_KEY, attempt)
        except ContractError as error:
            raise StoppedError(NoticeCode.SERVER_REFUSES, str(error)) from error
        return WritingKeys(attempt, lease.epoch, lease_key, attempt_key)
