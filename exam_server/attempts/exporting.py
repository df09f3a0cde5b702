"""An attempt's whole record as one file that proves itself (`contract.attempt_export`)."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, and_, col, select

from exam_server.attempts.fencing_models import LateDecision, LeaseConflict, RivalLease
from exam_server.attempts.forks import conflicts_of
from exam_server.attempts.keys import attempt_key_of, lease_key_of
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    HeadSignature,
    IssuedReceipt,
    JournalRecord,
    Lease,
    LedgerEntry,
    of_attempt,
)
from exam_server.candidates.models import Registration
from exam_server.contract.attempt_export import (
    AttemptExport,
    AttemptKey,
    ConflictFact,
    Facts,
    KeptEvidence,
    KeptHead,
    KeptReceipt,
    KeptRecord,
    LeaseFact,
    LedgerFact,
    OfficersWord,
    RivalLeaseFact,
)
from exam_server.contract.attempt_proof import prove
from exam_server.contract.errors import ContractError
from exam_server.contract.records import Record
from exam_server.errors import InputError
from exam_server.forms.models import Exam, Form, Paper
from exam_server.keys import ServerKeys
from exam_server.shards import anywhere
from exam_server.shifts.models import Placement
from exam_server.stations.models import Station


def find_attempt(session: Session, wanted: str) -> Attempt:
    """The attempt with this id, or the only one of this registration number (số báo danh)."""
    attempt = anywhere(session, Attempt, wanted)
    if attempt is not None:
        return attempt
    found = session.exec(
        select(Attempt)
        .join(
            Placement,
            and_(Placement.centre_id == Attempt.centre_id, Placement.id == Attempt.placement_id),
        )
        .join(Registration, col(Registration.id) == Placement.registration_id)
        .where(Registration.registration_number == wanted)
        .order_by(col(Attempt.admitted_at))
    ).all()
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(f"there is no attempt {wanted}; exam-server results lists them")
    ids = ", ".join(one.id for one in found)
    raise InputError(f"{wanted} has several attempts; name one of {ids}")


def export(
    session: Session, attempt: Attempt, *, keys: ServerKeys, answers: bool, now: datetime
) -> bytes:
    """The signed file. With `answers` the attempt's key is in it, and whoever has it can read them.

    The server signs nothing that does not hold: InputError names what does not.
    """
    gathered = _gathered(session, attempt, keys=keys, answers=answers, now=now)
    data = gathered.to_bytes(keys.signing)
    proof = prove(data, keys.signing.public_key())
    faults = [*map(str, proof.faults), *_unproven(session, attempt, gathered, keys)]
    if faults:
        raise InputError(
            f"attempt {attempt.id} is not exported: what the server holds of it does not hold",
            tuple(faults),
        )
    return data


def _gathered(
    session: Session, attempt: Attempt, *, keys: ServerKeys, answers: bool, now: datetime
) -> AttemptExport:
    conflicts, evidence = conflicts_of(session, attempt), _evidence(session, attempt)
    return AttemptExport(
        facts=_facts(session, attempt, now),
        leases=_leases(session, attempt),
        records=tuple(
            KeptRecord(row.sequence, row.data, row.received_at)
            for row in session.exec(
                select(JournalRecord)
                .where(*of_attempt(JournalRecord, attempt))
                .order_by(col(JournalRecord.sequence))
            )
        ),
        heads=tuple(
            KeptHead(row.epoch, row.sequence, row.head, row.signature, row.received_at)
            for row in session.exec(
                select(HeadSignature)
                .where(*of_attempt(HeadSignature, attempt))
                .order_by(col(HeadSignature.sequence), col(HeadSignature.epoch))
            )
        ),
        ledger=tuple(
            LedgerFact(row.position, row.kind.value, row.at, row.seconds)
            for row in session.exec(
                select(LedgerEntry)
                .where(*of_attempt(LedgerEntry, attempt))
                .order_by(col(LedgerEntry.position))
            )
        ),
        receipt=_receipt(session, attempt),
        conflicts=tuple(
            ConflictFact(
                number,
                one.fork_sequence,
                one.fork_head,
                one.claimant_id,
                one.counts.value,
                one.claimed_at,
                one.settled_at,
            )
            for number, one in enumerate(conflicts, 1)
        ),
        rival_leases=_rival_leases(session, conflicts),
        evidence=tuple(
            KeptEvidence(number, row.data, row.station_id, row.reason.value, row.received_at)
            for number, row in enumerate(evidence, 1)
        ),
        words=_words(session, attempt, evidence),
        key=AttemptKey(attempt_key_of(keys, attempt.id)) if answers else None,
    )


def _facts(session: Session, attempt: Attempt, now: datetime) -> Facts:
    placement = session.get_one(Placement, (attempt.centre_id, attempt.placement_id))
    registration = session.get_one(Registration, placement.registration_id)
    paper = session.get_one(Paper, placement.paper_id)
    exam = session.get_one(Exam, paper.exam_id)
    return Facts(
        attempt=attempt.id,
        realm=exam.realm.value,
        exam=exam.code,
        paper=paper.name,
        code=session.get_one(Form, attempt.form_id).code,
        registration_number=registration.registration_number,
        shift=attempt.shift_id,
        state=attempt.state.value,
        allowance_seconds=attempt.allowance_seconds,
        sequence=attempt.sequence,
        head=attempt.head,
        admitted_at=attempt.admitted_at,
        submitted_at=attempt.submitted_at,
        arrived_late=attempt.arrived_late,
        exported_at=now,
    )


def _leases(session: Session, attempt: Attempt) -> tuple[LeaseFact, ...]:
    rows = session.exec(
        select(Lease, Station)
        .join(Station, col(Station.id) == Lease.station_id)
        .where(*of_attempt(Lease, attempt))
        .order_by(col(Lease.epoch))
    )
    return tuple(
        LeaseFact(lease.epoch, station.id, station.signing_key, lease.granted_at)
        for lease, station in rows
    )


def _receipt(session: Session, attempt: Attempt) -> KeptReceipt | None:
    issued = session.get(IssuedReceipt, (attempt.centre_id, attempt.id))
    return None if issued is None else KeptReceipt(issued.body, issued.signature)


def _evidence(session: Session, attempt: Attempt) -> list[EvidenceRecord]:
    """In the file's order."""
    rows = session.exec(
        select(EvidenceRecord)
        .where(*of_attempt(EvidenceRecord, attempt))
        .order_by(
            col(EvidenceRecord.received_at),
            col(EvidenceRecord.epoch),
            col(EvidenceRecord.sequence),
            col(EvidenceRecord.head),
        )
    )
    return list(rows)


def _rival_leases(
    session: Session, conflicts: Sequence[LeaseConflict]
) -> tuple[RivalLeaseFact, ...]:
    return tuple(
        RivalLeaseFact(number, rival.epoch, rival.station_id, rival.granted_at)
        for number, conflict in enumerate(conflicts, 1)
        for rival in session.exec(
            select(RivalLease)
            .where(
                RivalLease.centre_id == conflict.centre_id, RivalLease.conflict_id == conflict.id
            )
            .order_by(col(RivalLease.epoch))
        )
    )


def _words(
    session: Session, attempt: Attempt, evidence: Sequence[EvidenceRecord]
) -> tuple[OfficersWord, ...]:
    decided = {
        row.evidence_id: row
        for row in session.exec(
            select(LateDecision).where(
                LateDecision.centre_id == attempt.centre_id, LateDecision.attempt_id == attempt.id
            )
        )
    }
    return tuple(
        OfficersWord(number, decided[row.id].adopted, decided[row.id].decided_at)
        for number, row in enumerate(evidence, 1)
        if row.id in decided
    )


def _unproven(
    session: Session, attempt: Attempt, gathered: AttemptExport, keys: ServerKeys
) -> list[str]:
    """The records whose MAC does not hold: what the file's readers have the server's word for."""
    leases = session.exec(select(Lease).where(*of_attempt(Lease, attempt))).all()
    holders = {(lease.epoch, lease.station_id) for lease in leases}
    holders |= {(rival.epoch, rival.station) for rival in gathered.rival_leases}
    by_epoch = {lease.epoch: lease.station_id for lease in leases}

    def key(epoch: int, station: str | None) -> bytes:
        if station is None or (epoch, station) not in holders:
            return b""
        return lease_key_of(
            keys, shift=attempt.shift_id, station=station, attempt=attempt.id, epoch=epoch
        )

    faults: list[str] = []
    held: list[KeptRecord | KeptEvidence] = [*gathered.records, *gathered.evidence]
    for kept in held:
        try:
            record = Record.from_bytes(kept.data)
            own = kept.station if isinstance(kept, KeptEvidence) else by_epoch.get(record.epoch)
            record.check_mac(key(record.epoch, own))
        except ContractError as error:
            faults.append(f"{kept.name}: {error}")
    return faults
