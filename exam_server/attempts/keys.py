"""The keys of attempts and leases. None is stored: each follows from the server's master.

So a station can be given, hours before, what it writes with when the network is gone, and what it
wrote then is proven with the same keys. Which lease is in force is the lease's row alone: a key
that a station could derive makes no lease.
"""

import hashlib

from exam_server.contract import canonical, room_kit
from exam_server.keys import ServerKeys
from exam_server.sealing import Derived


def attempt_id_of(placement_id: str) -> str:
    """The id of the one attempt of a placement, known before there is one: 32 hex characters."""
    named = canonical.encode("truong-thi/attempt-id", 1, placement_id)
    return hashlib.sha256(named).hexdigest()[:32]


def attempt_key_of(keys: ServerKeys, attempt: str) -> bytes:
    """The key under which an attempt's records are sealed."""
    return keys.sealing.derive(Derived.ATTEMPT_KEY, attempt)


def shift_secret_of(keys: ServerKeys, *, shift: str, station: str) -> bytes:
    """What a station derives its leases' keys of one shift from."""
    return keys.sealing.derive(Derived.SHIFT_SECRET, shift, station)


def lease_key_of(keys: ServerKeys, *, shift: str, station: str, attempt: str, epoch: int) -> bytes:
    """The key under which `station`, while it holds that lease, authenticates records."""
    return room_kit.lease_key(shift_secret_of(keys, shift=shift, station=station), attempt, epoch)
