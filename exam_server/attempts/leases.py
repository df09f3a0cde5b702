"""Leases kept in memory: whose they are, and the keys that prove what their holders send.

An epoch may come to be another station's, where an officer settles a conflict. So what lies here
proves who sends, no more; who may write now is read anew in every transaction.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlmodel import Session

from exam_server.attempts.hot_tables import ATTEMPT, FORM, LEASE, SAME_ATTEMPT, STATION
from exam_server.attempts.keys import attempt_key_of, lease_key_of
from exam_server.keys import ServerKeys

#: Leases kept in memory: some 600 bytes each.
MOST_KEPT = 100_000
#: Leases that one query asks for.
MOST_ASKED = 500


class LeaseName(NamedTuple):
    """`sender` is the station that says to send: it tells in which centre to look, and nothing
    else. Who does not say it is looked for in all of them."""

    attempt: str
    epoch: int
    sender: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class LeaseFacts:
    """One lease. `station_key` proves heads, `lease_key` records and batches.

    `sequential`: each item has a deadline of its own, which the rules know.
    """

    attempt: str
    epoch: int
    centre: str
    station: str
    station_key: Ed25519PublicKey
    lease_key: bytes
    attempt_key: bytes
    sequential: bool = False


Read = Callable[[Collection[LeaseName]], dict[LeaseName, LeaseFacts]]


class LeaseBook:
    """Leases by name, the oldest forgotten first. Belongs to the event loop's thread.

    What is not known is read on a thread, one query at a time for all that were asked for
    meanwhile: at the start of a shift thousands of stations come in the same seconds.
    """

    def __init__(self, read: Read, most: int = MOST_KEPT) -> None:
        self._read = read
        self._most = most
        self._known: dict[tuple[str, int], LeaseFacts] = {}
        self._asked: dict[LeaseName, asyncio.Future[LeaseFacts | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    def known(self, name: LeaseName) -> LeaseFacts | None:
        """The lease, if it is in memory."""
        return self._known.get(name[:2])

    def forget(self, name: LeaseName) -> None:
        """What proves nothing any more is read again when it is asked for."""
        self._known.pop(name[:2], None)

    async def lease(self, name: LeaseName) -> LeaseFacts | None:
        """The lease, None where there is none; raises what reading raises."""
        loop = asyncio.get_running_loop()
        asked = self._asked.setdefault(name, loop.create_future())
        if self._reading is None:
            self._reading = loop.create_task(self._read_all())
        # One who goes away takes nothing from others who wait for the same lease.
        return await asyncio.shield(asked)

    async def _read_all(self) -> None:
        while self._asked:
            names = list(self._asked)[:MOST_ASKED]
            asked = {name: self._asked.pop(name) for name in names}
            try:
                found = await asyncio.to_thread(self._read, names)
            except Exception as error:  # noqa: BLE001 - raised where the lease is waited for
                for waiting in asked.values():
                    waiting.set_exception(error)
                continue
            for name, waiting in asked.items():
                waiting.set_result(found.get(name))
            self._keep(found.values())
        self._reading = None

    def _keep(self, found: Collection[LeaseFacts]) -> None:
        while self._known and len(self._known) + len(found) > self._most:
            del self._known[next(iter(self._known))]
        self._known.update({(facts.attempt, facts.epoch): facts for facts in found})


def read_leases(
    session: Session, names: Collection[LeaseName], keys: ServerKeys
) -> dict[LeaseName, LeaseFacts]:
    """Those of the leases that there are."""
    connection = session.connection()
    query = (
        sa.select(
            LEASE.c.attempt_id,
            LEASE.c.epoch,
            LEASE.c.centre_id,
            ATTEMPT.c.shift_id,
            LEASE.c.station_id,
            STATION.c.signing_key,
            FORM.c.sections.is_not(sa.null()),
        )
        .join_from(ATTEMPT, LEASE, SAME_ATTEMPT)
        .join(STATION, STATION.c.id == LEASE.c.station_id)
        .join(FORM, FORM.c.id == ATTEMPT.c.form_id)
        .where(ATTEMPT.c.id.in_({name.attempt for name in names}))
    )
    senders = {name.sender for name in names}
    if None not in senders:
        centres = connection.scalars(
            sa.select(STATION.c.centre_id).distinct().where(STATION.c.id.in_(senders))
        )
        query = query.where(ATTEMPT.c.centre_id.in_(centres.all()))
    found = {(row.attempt_id, row.epoch): row for row in connection.execute(query)}
    return {name: _facts(found[name[:2]], keys) for name in names if name[:2] in found}


def _facts(row: "sa.Row[str, int, str, str, str, bytes, bool]", keys: ServerKeys) -> LeaseFacts:
    attempt, epoch, centre, shift, station, signing_key, sequential = row
    return LeaseFacts(
        attempt=attempt,
        epoch=epoch,
        centre=centre,
        station=station,
        station_key=Ed25519PublicKey.from_public_bytes(signing_key),
        lease_key=lease_key_of(keys, shift=shift, station=station, attempt=attempt, epoch=epoch),
        attempt_key=attempt_key_of(keys, attempt),
        sequential=sequential,
    )
