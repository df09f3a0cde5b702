"""The release key of a shift: content keys are wrapped to it, and it is used from the start on."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from exam_server.contract.api import ShiftState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.wrapping import Purpose, unwrap, wrap
from exam_server.errors import RefusedError
from exam_server.forms.models import Package
from exam_server.sealing import Sealed, Sealing
from exam_server.shifts.models import Shift


def new_release_key(
    shift_id: str, sealing: Sealing, rng: Callable[[int], bytes]
) -> tuple[bytes, bytes]:
    """Public key, and private key sealed for the shift's row."""
    private = X25519PrivateKey.from_private_bytes(rng(32))
    sealed = sealing.seal(Sealed.RELEASE_KEY, shift_id, private.private_bytes_raw())
    return private.public_key().public_bytes_raw(), sealed


def lock_content_key(content_key: bytes, shift: Shift, package_id: str) -> bytes:
    """`content_key`, to be had back with the shift's release key only."""
    public = X25519PublicKey.from_public_bytes(shift.release_public)
    return wrap(content_key, public, Purpose.CONTENT_KEY, package_id, shift.id)


def release_content_key(
    package: Package, shift: Shift, sealing: Sealing, *, station_id: str, station_key: bytes
) -> bytes:
    """The package's content key wrapped for one station; refused before the start signal."""
    if shift.state is not ShiftState.STARTED or package.shift_id != shift.id:
        raise RefusedError(ErrorCode.NOT_STARTED, "the shift has not been started")
    raw = sealing.unseal(Sealed.RELEASE_KEY, shift.id, shift.release_private)
    private = X25519PrivateKey.from_private_bytes(raw)
    content_key = unwrap(package.content_key, private, Purpose.CONTENT_KEY, package.id, shift.id)
    holder = X25519PublicKey.from_public_bytes(station_key)
    return wrap(content_key, holder, Purpose.CONTENT_KEY, package.id, station_id)
