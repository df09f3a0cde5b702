"""The release key of a shift: content keys are wrapped to it, and the start secrets come from it.

A content key leaves this module in one form only: locked under a room's start secret. And a start
secret leaves the server at the start signal, or earlier as the start code, to the exam office.
"""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exam_server.contract import canonical, room_kit
from exam_server.contract.api import ShiftState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.start_code import START_SECRET_BYTES
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


class ShiftRelease:
    """A shift's release key in use."""

    def __init__(self, shift: Shift, sealing: Sealing) -> None:
        self._shift = shift
        self._raw = sealing.unseal(Sealed.RELEASE_KEY, shift.id, shift.release_private)

    def start_secret(self, room: str) -> bytes:
        """The room's start secret; whoever has it and a station's kit opens its forms."""
        info = canonical.encode("truong-thi/start-secret", 1, self._shift.id, room)
        return HKDF(SHA256(), START_SECRET_BYTES, salt=None, info=info).derive(self._raw)

    def released_start_secret(self, room: str) -> bytes:
        """As `start_secret`; refused before the start signal."""
        if self._shift.state is not ShiftState.STARTED:
            raise RefusedError(ErrorCode.NOT_STARTED, "the shift has not been started")
        return self.start_secret(room)

    def locked_content_key(self, package: Package, room: str) -> bytes:
        """The package's content key under the room's start secret."""
        private, shift = X25519PrivateKey.from_private_bytes(self._raw), self._shift.id
        content_key = unwrap(package.content_key, private, Purpose.CONTENT_KEY, package.id, shift)
        return room_kit.lock_content_key(
            content_key, self.start_secret(room), shift=shift, package=package.id
        )
