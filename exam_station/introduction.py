"""What the server must hear of an attempt before its records: the check-in, the move to this
station and the start that took place without it. Told once; the same again changes nothing there.
"""

from exam_server.contract import api, journal_file
from exam_server.contract.errors import ContractError
from exam_server.contract.move_token import SignedMoveToken
from exam_station.attempt_folder import AttemptFolder
from exam_station.client import Client, ClientError, ServerRefusedError, tells_nothing


class NotIntroducedError(ClientError):
    """The server does not take what it is told of this attempt; the records wait on the disk."""


def introduce(client: Client, folder: AttemptFolder, attempt_key: bytes) -> None:
    """Tells what is still to be told. Raises ClientError where it must be tried again."""
    try:
        told = folder.checkin(attempt_key)
        if told is not None:
            client.check_in_offline(told)
            folder.checkin_is_told()
        claim = folder.claim() if folder.came_by_token else None
        if claim is not None:
            client.claim(folder.attempt, _asked(claim, folder))
            folder.claim_is_told()
        started = folder.started()
        if started is not None:  # the server takes it from who has a lease only
            client.started_by_code(folder.attempt, started)
            folder.started_is_told()
    except ServerRefusedError as refusal:
        if tells_nothing(refusal):
            raise
        # No refusal of these ends the attempt on this station: people decide, records stay.
        raise NotIntroducedError(f"{refusal.code}: {refusal}") from refusal
    except ContractError as error:
        raise NotIntroducedError(str(error)) from error


def _asked(claim: SignedMoveToken, folder: AttemptFolder) -> api.Claim:
    """The lease after the token's, with all the records that were carried along."""
    records = journal_file.read(folder.journal.read_bytes()).records[: claim.token.sequence]
    return api.Claim(
        token=claim.to_bytes(),
        epoch=claim.token.epoch + 1,
        records=[record.to_bytes() for record in records],
    )
