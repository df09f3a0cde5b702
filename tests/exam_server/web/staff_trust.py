"""A trust that officers changed several times, brought into a world's server by its services."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from staff_world import World

from card_reader.simulator.issuer import Issuer
from card_reader.trust.collection import Change, EntryKind, countersign, propose
from card_reader.trust.store import Realm
from exam_server.trust import service

NAMES = ("Nguyễn Thị Thu Hà", "Phạm Quốc Việt", "Lê Quang Hội")
KEYS = {name: Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n, name in enumerate(NAMES)}
OFFICERS = {name: key.public_key().public_bytes_raw() for name, key in KEYS.items()}


def put_in_force(world: World, *changes: Change) -> None:
    """Founds the officers and brings each change into force, signed by the first two."""
    server, (first, second, _) = world.server, NAMES
    own = server.keys.signing
    with server.transaction() as session:
        service.found(session, list(OFFICERS.items()), realm=Realm.TEST, key=own, now=server.now())
    for change in changes:
        with server.transaction() as session:
            current = service.in_force(session, own.public_key(), Realm.TEST).collection
            proposal = propose(
                current,
                change,
                realm=Realm.TEST,
                officer=first,
                sign=KEYS[first].sign,
                now=server.now(),
            )
            signed = countersign(
                current, proposal, officer=second, sign=KEYS[second].sign, officers=OFFICERS
            )
            service.apply(session, signed, realm=Realm.TEST, key=own, now=server.now())


def two_changes(world: World) -> tuple[Change, Change]:
    """Two issuers with their lists, one of them stale; then a pinned signer of a third."""
    now = world.server.now()
    vietnam, germany, laos = (
        Issuer.generate(country=country, name=name, now=now)
        for country, name in (("VN", "CSCA Việt Nam"), ("DE", "csca-germany"), ("LA", "Lao CSCA"))
    )
    anchors = [_der(one.csca.certificate) for one in (vietnam, germany)]
    lists = [_der(vietnam.crl), _stale_list(germany, world)]
    first = Change(
        "Danh sách chứng thư gốc do Bộ Ngoại giao chuyển, công văn 1204/BNG",
        (
            *((EntryKind.ANCHOR, raw) for raw in anchors),
            *((EntryKind.CRL, raw) for raw in lists),
        ),
    )
    second = Change(
        "Ghim chứng thư ký của thẻ thu tại điểm thi 01 khi chưa có chứng thư gốc của Lào",
        ((EntryKind.PINNED, _der(laos.signer.certificate)),),
    )
    return first, second


def _der(made: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return made.public_bytes(Encoding.DER)


def _stale_list(issuer: Issuer, world: World) -> bytes:
    made = world.server.now() - timedelta(days=90)
    return _der(
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.csca.certificate.subject)
        .last_update(made)
        .next_update(made + timedelta(days=30))
        .sign(issuer.csca.key, SHA384())
    )
