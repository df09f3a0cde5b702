"""Live events from process to process, over a real NATS server."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from exam_server.errors import InputError
from exam_server.proctoring.events import EVERYWHERE, LiveEvents
from exam_server.serving.bus import MOST_PENDING, EventBus, check_url, shown
from rig.nats import NatsServer

pytestmark = pytest.mark.processes

PATIENCE = 60.0


@pytest.fixture
def nats() -> Iterator[NatsServer]:
    with NatsServer() as server:
        yield server


class Ear:
    """A hub that remembers what it was told; thread-safe enough for one loop."""

    def __init__(self) -> None:
        self.carry: Callable[[str], None] = lambda _key: None
        self.heard: list[str] = []

    def deliver(self, key: str) -> None:
        self.heard.append(key)

    def publish(self, key: str) -> None:
        self.deliver(key)
        self.carry(key)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not happened():
            await asyncio.sleep(0.01)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def joined(server: str, url: str, **hubs: Any) -> EventBus:
    """A bus with `hubs`, connected."""
    bus = EventBus(server, [url])
    for kind, hub in hubs.items():
        bus.attach(kind, hub)
    bus.start()
    await until(lambda: bus.connected)
    return bus


def test_a_change_here_wakes_the_watchers_there_and_nobody_twice(nats: NatsServer) -> None:
    async def story() -> None:
        here, there = Ear(), Ear()
        buses = [await joined("s1", nats.url, room=here), await joined("s1", nats.url, room=there)]
        here.publish("room-1")
        here.publish(EVERYWHERE)
        await until(lambda: len(there.heard) == 2)
        there.publish("room-2")
        await until(lambda: len(here.heard) == 3)
        assert there.heard == ["room-1", EVERYWHERE, "room-2"]
        assert here.heard == ["room-1", EVERYWHERE, "room-2"]
        for bus in buses:
            await bus.stop()

    run(story())


def test_each_kind_reaches_its_own_hub_and_no_other_server_s(nats: NatsServer) -> None:
    async def story() -> None:
        room, station, far_room, far_station, foreign = (Ear() for _ in range(5))
        buses = [
            await joined("s1", nats.url, room=room, station=station),
            await joined("s1", nats.url, room=far_room, station=far_station),
            await joined("s2", nats.url, room=foreign, station=foreign),
        ]
        station.publish("k1")
        room.publish("r1")
        await until(lambda: far_room.heard == ["r1"] and far_station.heard == ["k1"])
        assert foreign.heard == []
        for bus in buses:
            await bus.stop()

    run(story())


def test_any_thread_publishes_and_a_page_elsewhere_is_woken(nats: NatsServer) -> None:
    async def story() -> None:
        here, there = LiveEvents(), LiveEvents()
        buses = [await joined("s1", nats.url, room=here), await joined("s1", nats.url, room=there)]
        with there.watch("room-1") as page, there.watch("room-2") as other:
            threading.Thread(target=here.publish, args=("room-1",)).start()
            assert await page.wait(PATIENCE)
            assert not other.changed.is_set()
        for bus in buses:
            await bus.stop()

    run(story())


def test_nothing_waits_for_a_lost_nats_and_all_is_made_good_when_it_is_back(
    nats: NatsServer,
) -> None:
    async def story() -> None:
        here, there = Ear(), Ear()
        buses = [await joined("s1", nats.url, room=here), await joined("s1", nats.url, room=there)]
        nats.stop()
        await until(lambda: not any(bus.connected for bus in buses))
        here.publish("while-away")  # neither waits nor fails
        assert here.heard == ["while-away"]
        nats.start()
        # Whoever is back first tells what it kept, perhaps before the other listens again; so
        # each tells itself that anything may have been missed.
        await until(lambda: EVERYWHERE in here.heard and EVERYWHERE in there.heard)
        for bus in buses:
            await bus.stop()

    run(story())


def test_what_happened_before_the_link_was_there_is_told_once_it_is(nats: NatsServer) -> None:
    async def story() -> None:
        here, there = Ear(), Ear()
        far = await joined("s1", nats.url, room=there)
        near = EventBus("s1", [nats.url])
        near.attach("room", here)
        near.start()
        for key in ("r1", "r2", "r1"):
            here.publish(key)
        assert not near.connected
        await until(lambda: len(there.heard) == 2)
        assert there.heard == ["r1", "r2"]
        for bus in (near, far):
            await bus.stop()

    run(story())


def test_too_many_kept_events_become_one_for_everybody(nats: NatsServer) -> None:
    async def story() -> None:
        here, there = Ear(), Ear()
        far = await joined("s1", nats.url, room=there)
        near = EventBus("s1", [nats.url])
        near.attach("room", here)
        near.start()
        for number in range(MOST_PENDING + 5):  # all before the link is there
            here.publish(str(number))
        await until(lambda: str(MOST_PENDING + 4) in there.heard)
        assert there.heard[0] == EVERYWHERE
        assert len(there.heard) < 50
        for bus in (near, far):
            await bus.stop()

    run(story())


def test_a_stop_sends_what_is_pending_first(nats: NatsServer) -> None:
    async def story() -> None:
        here, there = Ear(), Ear()
        near = await joined("s1", nats.url, room=here)
        far = await joined("s1", nats.url, room=there)
        here.publish("last")
        await asyncio.sleep(0)
        await near.stop()
        await until(lambda: "last" in there.heard)
        await far.stop()

    run(story())


def test_a_nats_that_asks_for_a_password_is_given_the_url_s(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(url: str) -> None:
        here, there = Ear(), Ear()
        buses = [await joined("s1", url, room=here), await joined("s1", url, room=there)]
        here.publish("r")
        await until(lambda: there.heard == ["r"])
        for bus in buses:
            await bus.stop()

    async def refused(url: str) -> None:
        bus = EventBus("s1", [url])
        bus.start()
        await until(lambda: "trying again" in caplog.text)
        assert not bus.connected
        await bus.stop()

    with NatsServer("--user", "exam", "--pass", "kín") as nats:
        run(story(nats.url.replace("//", "//exam:kín@")))
        run(refused(nats.url))


def test_an_address_is_checked_and_shown_without_its_password() -> None:
    assert shown("nats://exam:secret@bus:4222") == "nats://bus:4222"
    for wrong in ("http://bus:4222", "bus:4222", "nats://"):
        with pytest.raises(InputError, match="nats://HOST"):
            check_url(wrong)


def test_a_nats_over_tls_is_believed_by_its_own_authority_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = self_signed(tmp_path, "127.0.0.1")
    tls = ("--tls", "--tlscert", str(certificate), "--tlskey", str(key))

    async def heard(url: str) -> None:
        here, there = Ear(), Ear()
        buses = []
        for hub in (here, there):
            bus = EventBus("s1", [url], authority=certificate)
            bus.attach("room", hub)
            bus.start()
            await until(lambda bus=bus: bus.connected)
            buses.append(bus)
        here.publish("r")
        await until(lambda: there.heard == ["r"])
        for bus in buses:
            await bus.stop()

    async def not_believed(url: str) -> None:
        bus = EventBus("s1", [url])
        bus.start()
        await until(lambda: "trying again" in caplog.text)
        assert not bus.connected
        await bus.stop()

    with NatsServer(*tls) as nats:
        url = nats.url.replace("nats:", "tls:")
        run(heard(url))
        run(not_believed(url))


def test_of_several_addresses_the_next_is_tried(nats: NatsServer) -> None:
    async def story() -> None:
        bus = EventBus("s1", ["nats://127.0.0.1:1", nats.url])
        bus.start()
        await until(lambda: bus.connected)
        await bus.stop()

    run(story())


def self_signed(folder: Path, address: str) -> tuple[Path, Path]:
    """A certificate for `address` that is its own authority, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "NATS")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "nats.pem", folder / "nats.key"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files
