"""The server as the terminal of a chip's authentication (DESIGN: `ca_remote`).

The ephemeral private key never leaves the server, so a chip that answers under the new keys has
proven itself to the server, whatever the station says. The station carries the bytes.
"""

import os
from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session, col, select

from card_reader.chip.chip_authentication import ChipAuthenticationFailedError
from card_reader.chip.terminal_session import RemoteProof, TerminalSession
from card_reader.errors import CardError
from exam_server import audit
from exam_server.checkin.models import Challenge, ChipTerminal
from exam_server.contract.api import (
    ChipResponse,
    ChipSessionKeys,
    ChipTerminalRequest,
    ChipTerminalView,
)
from exam_server.contract.errors import ErrorCode
from exam_server.errors import RefusedError
from exam_server.sealing import Sealed, Sealing
from exam_server.stations.models import Station

#: A card that slips is read again under the same challenge, and proves itself again.
MAX_RUNS = 5


def begin_run(
    session: Session,
    request: ChipTerminalRequest,
    *,
    station: Station,
    sealing: Sealing,
    now: datetime,
    rng: Callable[[int], bytes] = os.urandom,
) -> ChipTerminalView:
    """A public key for the chip's EF.DG14, and the command that the chip has to answer."""
    challenge = _live_challenge(session, request.challenge, station, now)
    if len(_runs(session, station.centre_id, challenge.id)) >= MAX_RUNS:
        raise RefusedError(ErrorCode.CHALLENGE_INVALID, "too many tries; tap again")
    try:
        run = TerminalSession.create(request.security_infos, rng)
    except CardError as error:
        raise RefusedError(ErrorCode.EVIDENCE_MALFORMED, error.detail) from error
    offer = run.offer
    session.add(
        ChipTerminal(
            id=offer.session,
            centre_id=challenge.centre_id,
            challenge_id=challenge.id,
            sealed=sealing.seal(Sealed.CHIP_TERMINAL, offer.session, run.to_bytes()),
            created_at=now,
        )
    )
    session.flush()
    return ChipTerminalView(
        session=offer.session,
        oid=offer.oid,
        key_id=offer.key_id,
        public_key=offer.public_key,
        probe=offer.probe,
    )


def release_keys(
    session: Session,
    run_id: str,
    response: ChipResponse,
    *,
    station: Station,
    sealing: Sealing,
    now: datetime,
) -> ChipSessionKeys | None:
    """The new session's keys where the chip's response holds, None where it does not.

    The first response decides. The caller commits in either case, so that no second one counts.
    """
    row = session.get(ChipTerminal, (station.centre_id, run_id), with_for_update=True)
    if row is None:
        raise RefusedError(ErrorCode.NOT_FOUND, "there is no such run of chip authentication")
    challenge = _live_challenge(session, row.challenge_id, station, now)
    run = _opened(row, sealing)
    try:
        keys = run.release(response.response)
    except ChipAuthenticationFailedError as error:
        audit.record(
            session,
            actor=f"station:{station.id}",
            action="chip_authentication_failed",
            subject=f"placement:{challenge.placement_id}",
            details={"run": row.id, "what": error.detail},
            now=now,
        )
        return None
    except CardError as error:
        raise RefusedError(ErrorCode.CHALLENGE_INVALID, error.detail) from error
    finally:
        row.sealed = sealing.seal(Sealed.CHIP_TERMINAL, row.id, run.to_bytes())
    return ChipSessionKeys(
        cipher=keys.cipher.value, ks_enc=keys.ks_enc, ks_mac=keys.ks_mac, ssc=keys.ssc
    )


def proofs(
    session: Session, centre_id: str, challenge_id: str, sealing: Sealing
) -> dict[str, RemoteProof]:
    """What the runs under this challenge proved, by their ids."""
    found = (_opened(row, sealing).proof() for row in _runs(session, centre_id, challenge_id))
    return {proof.session: proof for proof in found if proof is not None}


def _live_challenge(
    session: Session, challenge_id: str, station: Station, now: datetime
) -> Challenge:
    challenge = session.get(Challenge, (station.centre_id, challenge_id))
    if challenge is None or challenge.station_id != station.id:
        raise RefusedError(ErrorCode.CHALLENGE_INVALID, "this challenge was not issued for this")
    if challenge.used_at is not None or challenge.expires_at < now:
        raise RefusedError(
            ErrorCode.CHALLENGE_INVALID, "the challenge was used or is too old; tap again"
        )
    return challenge


def _runs(session: Session, centre_id: str, challenge_id: str) -> list[ChipTerminal]:
    query = (
        select(ChipTerminal)
        .where(ChipTerminal.centre_id == centre_id, ChipTerminal.challenge_id == challenge_id)
        .order_by(col(ChipTerminal.created_at))
    )
    return list(session.exec(query))


def _opened(row: ChipTerminal, sealing: Sealing) -> TerminalSession:
    return TerminalSession.from_bytes(sealing.unseal(Sealed.CHIP_TERMINAL, row.id, row.sealed))
