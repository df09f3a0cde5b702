"""A simulated card in a real pcscd, read through pyscard."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import reading_side

from card_reader.simulator import defects
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.pcscd import PrivatePcscd
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.simulator.vpcd import VpcdLink
from tests.reading_process import ReaderProcess


@pytest.fixture(autouse=True)
def empty_slots(reader: ReaderProcess) -> Iterator[None]:
    """Whatever a test does, it leaves empty readers behind."""
    yield
    assert all(reader.run(reading_side.wait_empty, index) for index in (0, 1))


pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("pcsc")]

ROOT = Path(__file__).parents[2]


def test_two_empty_readers(reader: ReaderProcess) -> None:
    assert reader.run(reading_side.readers) == [
        ("Virtual PCD 00 00", False),
        ("Virtual PCD 00 01", False),
    ]


def test_plain_commands(reader: ReaderProcess, pcscd: PrivatePcscd, card: CardProfile) -> None:
    commands = [bytes.fromhex(text) for text in ("00A4040C07A0000002471001", "0084000008")]
    with VpcdLink(Chip(card), port=pcscd.ports[0]):
        atr, (selected, challenge) = reader.run(reading_side.raw, 0, commands)
    assert atr == card.atr
    assert selected == b"\x90\x00"
    assert len(challenge) == 10
    assert challenge.endswith(b"\x90\x00")


def test_insertion_and_removal(
    reader: ReaderProcess, pcscd: PrivatePcscd, card: CardProfile
) -> None:
    heard = reader.start(reading_side.events, 2)
    with VpcdLink(Chip(card), port=pcscd.ports[1]):
        name = "Virtual PCD 00 01"
        atr, _ = raw_in_other_process(pcscd, 1)
        assert atr == card.atr
    assert heard.result(90) == [("inserted", name, card.atr), ("removed", name, b"")]


def raw_in_other_process(pcscd: PrivatePcscd, index: int) -> tuple[bytes, str]:
    """Wait, outside the busy reading process, until the card answers."""
    code = f"import reading_side; print(reading_side.raw({index}, [])[0].hex())"
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **pcscd.environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return bytes.fromhex(done.stdout), done.stderr


def test_both_slots_at_once(reader: ReaderProcess, pcscd: PrivatePcscd, card: CardProfile) -> None:
    with (
        VpcdLink(Chip(card), port=pcscd.ports[0]),
        VpcdLink(Chip(card), port=pcscd.ports[1]),
    ):
        for index in (0, 1):
            assert reader.run(reading_side.raw, index, [])[0] == card.atr


def test_commands_do_not_wait_for_delayed_acknowledgements(
    reader: ReaderProcess, pcscd: PrivatePcscd, card: CardProfile
) -> None:
    with VpcdLink(Chip(card), port=pcscd.ports[0]):
        cost = reader.run(reading_side.microseconds_per_command, 0, 100)
    assert cost < 10_000  # 40,000 without TCP_NODELAY and TCP_QUICKACK


def test_a_good_card_is_authentic(
    reader: ReaderProcess,
    pcscd: PrivatePcscd,
    card: CardProfile,
    trust_folder: Path,
    portrait: bytes,
) -> None:
    with VpcdLink(Chip(card), port=pcscd.ports[0]):
        report = reader.run(reading_side.read_and_verify, 0, str(trust_folder))
    assert (report["verdict"], report["active_authentication"]) == ("authentic", "passed")
    assert (report["number"], report["name"]) == ("001206012345", "Nguyễn Văn An")
    assert report["portrait"] == portrait
    assert report["data_groups"]["3"] == "not_read"


@pytest.mark.parametrize(
    ("defect", "verdict", "key", "value"),
    [
        (Defect.PORTRAIT_EXCHANGED, "refused", "data_groups", "mismatch"),
        (Defect.KEY_EXCHANGED, "refused", "data_groups", "mismatch"),
        (Defect.CLONE, "refused", "active_authentication", "failed"),
        (Defect.SIGNATURE_BROKEN, "refused", "signature", "invalid"),
        (Defect.UNKNOWN_CSCA, "unproven", "chain", "no_anchor"),
        (Defect.SIGNER_REVOKED, "refused", "revocation", "revoked"),
        (Defect.FOREIGN_ISSUER, "refused", "issuer_match", False),
        (Defect.FILE_MISSING, "refused", "data_groups", "not_read"),
    ],
)
def test_each_defect_gets_its_verdict(
    defect: Defect,
    verdict: str,
    key: str,
    value: object,
    reader: ReaderProcess,
    pcscd: PrivatePcscd,
    card: CardProfile,
    issuer: Issuer,
    foreign: Issuer,
    other_portrait: bytes,
    trust_folder: Path,
) -> None:
    broken = defects.apply(card, defect, issuer=issuer, portrait=other_portrait, foreign=foreign)
    with VpcdLink(Chip(broken), port=pcscd.ports[0]):
        report = reader.run(reading_side.read_and_verify, 0, str(trust_folder))
    assert report["verdict"] == verdict
    found = report[key]
    assert value in found.values() if isinstance(found, dict) else found == value


def test_a_card_torn_off_while_it_is_read(
    reader: ReaderProcess, pcscd: PrivatePcscd, card: CardProfile
) -> None:
    with VpcdLink(Chip(card), port=pcscd.ports[0], tear_after=8):
        assert reader.run(reading_side.read_torn, 0) == "card_removed"


def test_the_command_reads_the_card(
    pcscd: PrivatePcscd, card: CardProfile, trust_folder: Path, tmp_path: Path, portrait: bytes
) -> None:
    """`card-reader simulate` in one process, `card-reader read` in another."""
    card.save(tmp_path / "card.json")
    environment = {**os.environ, **pcscd.environment, "PYTHONPATH": str(ROOT)}
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    command = [sys.executable, "-m", "card_reader.cli"]
    address = f"127.0.0.1:{pcscd.ports[0]}"
    simulate = subprocess.Popen(
        [*command, "simulate", str(tmp_path / "card.json"), "--vpcd", address],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        raw_in_other_process(pcscd, 0)
        arguments = ["read", "--json", "--cccd", "001206012345", "--dob", "2006-05-17"]
        arguments += [
            "--trust",
            str(trust_folder / "home/csca.pem"),
            "--out",
            str(tmp_path / "out"),
        ]
        done = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, timeout=90, check=False
        )
    finally:
        simulate.terminate()
        simulate.communicate(timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    result = json.loads(done.stdout)
    assert result["verdict"] == "authentic"
    assert result["access"]["protocol"] == "bac"
    assert (tmp_path / "out/EF.DG2.bin").read_bytes() == card.files[0x0102]
    assert simulate.returncode == 0


def test_a_second_private_pcscd_beside_the_first(pcscd: PrivatePcscd) -> None:
    with PrivatePcscd() as second:
        assert second.socket != pcscd.socket
        assert not set(second.ports) & set(pcscd.ports)
        folder = second.socket.parents[1]
    assert not folder.exists()
