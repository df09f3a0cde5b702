"""The trust that check-ins are judged by: read again whenever it changes, and never on doubt.

Once two officers' collection is in force, it alone counts. Before, a server of the realm `test`
believes the loose files that `exam-server load trust` put into its directory; one of the realm
`live` believes nobody, and a proctor decides.
"""

import hashlib
import threading
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.engine import Engine
from sqlmodel import Session

from card_reader.errors import CardError
from card_reader.trust.store import Realm, TrustStore
from exam_server import db, durable
from exam_server.errors import InputError
from exam_server.loading import read_file
from exam_server.trust import service
from exam_server.trust.gathering import sort_files
from exam_server.trust.models import DocumentKind

ANCHORS, REVOCATIONS = "anchors", "crls"


def read_trust(
    session: Session, directory: Path, *, own: Ed25519PublicKey, realm: Realm
) -> TrustStore:
    """The trust of the server in `directory` with the public key `own`."""
    collection = service.in_force(session, own, realm).collection
    if collection is not None:
        return collection.store()
    return _loose_store(directory, realm)


class TrustInForce:
    """The trust of a running server.

    Calling it gives the store as it is now. InputError where the trust cannot be used: nobody is
    let in then, on an older one neither.
    """

    def __init__(
        self, directory: Path, engine: Engine, *, own: Ed25519PublicKey, realm: Realm
    ) -> None:
        self._directory, self._engine, self._own, self._realm = directory, engine, own, realm
        self._lock = threading.Lock()
        self._stamp: object = None
        self._store = TrustStore((), realm=realm)
        self()

    def __call__(self) -> TrustStore:
        with self._lock, db.reading(self._engine) as session:
            numbers = service.newest_numbers(session)
            loose = DocumentKind.COLLECTION not in numbers and self._realm is Realm.TEST
            stamp = (numbers, _loose_stamp(self._directory) if loose else None)
            if stamp != self._stamp:
                self._store = read_trust(session, self._directory, own=self._own, realm=self._realm)
                self._stamp = stamp
            return self._store


# --- loose files, in the realm test -------------------------------------------------------------


def load_trust(
    session: Session,
    directory: Path,
    sources: list[Path],
    *,
    own: Ed25519PublicKey,
    realm: Realm,
) -> TrustStore:
    """Copies anchors and CRLs from files or folders into a server of the realm `test`."""
    if realm is not Realm.TEST:
        raise InputError(
            f"a server of the realm {realm} changes its trust by two officers: "
            "exam-server trust propose"
        )
    if service.in_force(session, own, realm).collection is not None:
        raise InputError(
            "two officers' trust is in force; change it with exam-server trust propose"
        )
    files = sort_files(sources)
    store = _loose_store(directory, realm, files.certificates, files.crls)
    for kind, found in ((ANCHORS, files.certificates), (REVOCATIONS, files.crls)):
        target = _folder(directory, kind)
        target.mkdir(parents=True, exist_ok=True)
        for file in found:
            # Named by content: two authorities' files of one name stand beside each other.
            data = read_file(file)
            kept = target / f"{hashlib.sha256(data).hexdigest()}{file.suffix}"
            # At once and whole: a running server reads the folder again at the next check-in.
            durable.write_file(kept, data)
    return store


def _folder(directory: Path, kind: str) -> Path:
    return directory / "trust" / kind


def _loose_store(
    directory: Path, realm: Realm, anchors: tuple[Path, ...] = (), crls: tuple[Path, ...] = ()
) -> TrustStore:
    """The loose files that the server has, and these beside them; none count in `live`."""
    if realm is not Realm.TEST:
        return TrustStore((), realm=realm)
    folders = {kind: _folder(directory, kind) for kind in (ANCHORS, REVOCATIONS)}
    kept = {kind: (folder,) if folder.is_dir() else () for kind, folder in folders.items()}
    try:
        return TrustStore.load(
            (*kept[ANCHORS], *anchors), crls=(*kept[REVOCATIONS], *crls), realm=realm
        )
    except CardError as error:
        raise InputError(f"the certificates cannot be used: {error}") from error


def _loose_stamp(directory: Path) -> list[tuple[str, int, int]]:
    """Name, time and size of every file; cheap enough for every check-in."""
    found = []
    for kind in (ANCHORS, REVOCATIONS):
        folder = _folder(directory, kind)
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            stat = file.stat()
            found.append((f"{kind}/{file.name}", stat.st_mtime_ns, stat.st_size))
    return found
