"""An attempt begun at another station: its records so far, and what this station wrote before.

Pure but for the one journal file: what comes from the server comes through a callable.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exam_server.contract import api
from exam_server.contract.errors import ContractError
from exam_server.contract.records import Record, WritingKeys, genesis

#: Asks the server for the records behind a number; raises what a call to it raises.
Ask = Callable[[int], api.HistoryView]


@dataclass(frozen=True, slots=True)
class Taken:
    """The chain as the server keeps it. `own` are this station's records that are not in it."""

    records: tuple[Record, ...]
    own: tuple[Record, ...]


def continues(records: Sequence[Record], lease: api.LeaseView) -> bool:
    """Whether a journal with `records` is the one to be written on under `lease`: it holds all
    that the server held when it gave the lease, and beyond that only records of this lease."""
    held = lease.next_sequence - 1
    if held > len(records) or _head_after(records, held, lease.attempt) != lease.head:
        return False
    return all(record.epoch >= lease.epoch for record in records[held:])


def take(lease: api.LeaseView, keys: WritingKeys, before: Sequence[Record], ask: Ask) -> Taken:
    """The attempt's records from the server, checked to the head of the lease.

    `before` is what this station's own journal holds. ContractError where what the server gives
    is no chain, does not lead to the lease's head, or does not open under the attempt's key.
    """
    records: list[Record] = []
    head, through = genesis(lease.attempt), lease.next_sequence == 1
    while True:
        view = ask(len(records))
        for data in view.records:
            record = Record.from_bytes(data)
            _check(record, lease.attempt, len(records) + 1, head)
            record.open(keys.attempt_key)
            records.append(record)
            head = record.head
            through = through or (len(records) == lease.next_sequence - 1 and head == lease.head)
        if len(records) >= view.sequence:
            break
        if not view.records:
            raise ContractError(f"the server gives no record {len(records) + 1}")
    if not through:
        raise ContractError("the server's records do not lead to the head of the lease")
    common = _in_common(records, before)
    return Taken(tuple(records), tuple(before[common:]))


def _check(record: Record, attempt: str, sequence: int, previous: bytes) -> None:
    if (record.attempt, record.sequence, record.previous) != (attempt, sequence, previous):
        raise ContractError(f"the server's record {sequence} does not continue the chain")


def _in_common(one: Sequence[Record], other: Sequence[Record]) -> int:
    """How many records both chains begin with."""
    pairs = zip(one, other, strict=False)
    return next(
        (at for at, (a, b) in enumerate(pairs) if a.head != b.head), min(len(one), len(other))
    )


def _head_after(records: Sequence[Record], sequence: int, attempt: str) -> bytes:
    return records[sequence - 1].head if sequence else genesis(attempt)
