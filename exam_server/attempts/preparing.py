"""A batch before any database is asked: parsed, proven, opened, its records in one chain. Pure.

What comes out as `Run` needs only to be laid against the attempt's present state. A batch in which
a single thing is out of the ordinary is no run: the rules of `attempts.journal` judge it record by
record. So each rule stands in one place, and here is only the question whether any applies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from exam_server.attempts.leases import LeaseFacts
from exam_server.attempts.opening import TIMED, opened
from exam_server.contract.batches import Batch
from exam_server.contract.errors import ContractError
from exam_server.contract.records import Record, SignedHead, Submitted
from question_bank.errors import MalformedError


@dataclass(frozen=True, slots=True)
class Link:
    """One record of a run: its number, the chain's value after it, and its bytes."""

    sequence: int
    head: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """Records that follow one another under one lease, all genuine and well-formed.

    `previous` is the head that the first must follow, None where there are none. `latest` is the
    latest moment that any of them tells, `latest_timed` that of an answer or a flag (milliseconds
    of the server's clock; 0 without one). `head` is signed by the station and speaks of the last
    record, or of what was there before where there are none.
    """

    links: tuple[Link, ...] = ()
    previous: bytes | None = None
    latest: int = 0
    latest_timed: int = 0
    hands_in: bool = False
    head: SignedHead | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch whose sender is proven. `run` is None where the rules must judge it."""

    batch: Batch
    lease: LeaseFacts
    run: Run | None


def prepare(batch: Batch, lease: LeaseFacts) -> Prepared:
    """What can be said of `batch`, whose MAC was checked under `lease`, without the database."""
    try:
        return Prepared(batch, lease, _run(batch, lease))
    except (ContractError, MalformedError):
        return Prepared(batch, lease, None)


def _run(batch: Batch, lease: LeaseFacts) -> Run | None:
    if lease.sequential:
        return None
    records = [Record.from_bytes(data) for data in batch.records]
    heads = [record.head for record in records]
    if not _one_chain(records, heads, lease):
        return None
    latest = latest_timed = 0
    hands_in = False
    for record in records:
        record.check_mac(lease.lease_key)
        body, at = opened(record, lease.attempt_key)
        if hands_in:
            return None  # nothing follows the hand-in
        latest = max(latest, at)
        if isinstance(body, TIMED):
            latest_timed = max(latest_timed, at)
        hands_in = isinstance(body, Submitted)
    links = tuple(
        Link(record.sequence, head, data)
        for record, head, data in zip(records, heads, batch.records, strict=True)
    )
    if batch.head is not None and not _signed(batch.head, links, lease):
        return None
    previous = records[0].previous if records else None
    return Run(links, previous, latest, latest_timed, hands_in, batch.head)


def _one_chain(records: Sequence[Record], heads: Sequence[bytes], lease: LeaseFacts) -> bool:
    """Whether each record follows the one before it, all under `lease`; `heads` are theirs."""
    for place, record in enumerate(records):
        if record.attempt != lease.attempt or record.epoch != lease.epoch:
            return False
        # No acknowledgement was given of what the server did not hold by then.
        if record.acknowledged >= record.sequence:
            return False
        if record.sequence != records[0].sequence + place:
            return False
        if place > 0 and record.previous != heads[place - 1]:
            return False
    return True


def _signed(head: SignedHead, links: Sequence[Link], lease: LeaseFacts) -> bool:
    """Whether `head` is this lease's word on the last of `links`; raises ContractError too."""
    if head.epoch != lease.epoch:
        return False
    if links and (head.sequence, head.head) != (links[-1].sequence, links[-1].head):
        return False
    head.check(lease.station_key)
    return True
