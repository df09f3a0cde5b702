"""The page of the trust: what is believed, who decided it, and when it cannot be used."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding
from staff_browser import Browser
from staff_trust import NAMES, put_in_force, two_changes
from staff_world import SettableClock, World, copy_world

from card_reader.simulator.issuer import Issuer
from card_reader.trust.certificates import parse_certificate
from card_reader.trust.collection import EntryKind
from card_reader.trust.store import Realm, TrustStore
from exam_server.app import create_app
from tests.databases import Databases

pytestmark = pytest.mark.slow

Decided = tuple[World, list[str]]


@pytest.fixture
def decided(world: World, databases: Databases, clock: SettableClock) -> Decided:
    """A world of its own in which two changes are in force, and the fingerprints they added."""
    copy = copy_world(world, databases, clock)
    changes = two_changes(copy)
    put_in_force(copy, *changes)
    raws = [raw for change in changes for kind, raw in change.add if kind is not EntryKind.CRL]
    return copy, [parse_certificate(raw).sha256 for raw in raws]


def visit(world: World, username: str = "hoidong", path: str = "/trust") -> str:
    browser = Browser(world)
    browser.sign_in(username)
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.text


def test_officers_see_what_is_trusted_and_who_decided_it(decided: Decided) -> None:
    world, fingerprints = decided
    text = visit(world)
    assert "Phiên bản 2 đang có hiệu lực" in text
    assert all(one in text for one in fingerprints)
    assert "công văn 1204/BNG" in text and "CSCA Việt Nam" in text
    assert f"{NAMES[0]} đề nghị, {NAMES[1]} ký duyệt" in text
    assert text.count("đã cũ</span>") == 1
    assert "Lập danh sách lần đầu trên máy chủ" in text


def test_the_log_says_it_in_words(decided: Decided) -> None:
    text = visit(decided[0], path="/audit")
    assert text.count("Hai cán bộ thay đổi chứng thư gốc") == 2
    assert "Lập danh sách cán bộ ký chứng thư gốc" in text
    assert "người ký duyệt:</span> Phạm Quốc Việt" in text


def test_before_anything_is_trusted_the_page_says_so(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    text = signed_in("quantri").get("/trust").text
    assert "Chưa có chứng thư gốc nào" in text
    assert signed_in("giamthi1").get("/trust").status_code == 403


def test_loose_certificates_are_called_so(world: World) -> None:
    anchor = parse_certificate(Issuer.generate().csca.certificate.public_bytes(Encoding.DER))
    store = TrustStore([anchor], realm=Realm.TEST)
    server = world.server
    app = create_app(server.settings, server.keys, server.engine, store, server.clock)
    browser = Browser(World(app, *_rest(world)))
    browser.sign_in("hoidong")
    text = browser.get("/trust").text
    assert "không qua hai cán bộ" in text and anchor.sha256 in text


def _rest(world: World) -> tuple[object, ...]:
    return (world.shift, world.room, world.second_room, world.placements, world.machines)


def test_a_trust_that_cannot_be_used_is_told_and_not_shown(decided: Decided) -> None:
    world, fingerprints = decided
    with world.server.engine.begin() as connection:
        connection.execute(sa.text("UPDATE trust_document SET seal = :seal"), {"seal": bytes(64)})
    text = visit(world)
    assert "KHÔNG DÙNG ĐƯỢC CHỨNG THƯ GỐC" in text
    assert "was not put in by this server" in text
    assert not any(one in text for one in fingerprints)
