"""The link to vpcd, against a socket that speaks vpcd's part; and the two commands."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from card_reader.errors import CardReason, ReaderError
from card_reader.simulator import commands
from card_reader.simulator.chip import Chip
from card_reader.simulator.pcscd import PrivatePcscd
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.vpcd import VpcdLink

PORTRAIT = Path(__file__).parents[3] / "fixtures/portrait/portrait.jpg"
GET_CHALLENGE = bytes.fromhex("0084000008")
SELECT_APPLICATION = bytes.fromhex("00A4040C07A0000002471001")


@pytest.fixture(autouse=True)
def no_pcscd_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("card_reader.simulator.vpcd.NOTICE_SECONDS", 0)


class Vpcd:
    """The reader's side of one slot."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(60)
        self.port: int = self._server.getsockname()[1]

    def accept(self) -> socket.socket:
        connection, _ = self._server.accept()
        connection.settimeout(60)
        return connection

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def vpcd() -> Iterator[Vpcd]:
    server = Vpcd()
    yield server
    server.close()


def say(connection: socket.socket, message: bytes) -> None:
    connection.sendall(len(message).to_bytes(2, "big") + message)


def hear(connection: socket.socket) -> bytes:
    def exactly(count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = connection.recv(count - len(data))
            if not piece:
                raise ConnectionError
            data += piece
        return data

    return exactly(int.from_bytes(exactly(2), "big"))


def test_power_atr_and_commands(vpcd: Vpcd, card: CardProfile) -> None:
    with VpcdLink(Chip(card), port=vpcd.port), vpcd.accept() as reader:
        say(reader, b"\x01")
        say(reader, b"\x04")
        assert hear(reader) == card.atr
        reader.sendall(b"\x00")  # a message in two pieces
        reader.sendall(bytes([len(SELECT_APPLICATION)]) + SELECT_APPLICATION)
        assert hear(reader) == b"\x90\x00"
        say(reader, GET_CHALLENGE)
        assert len(hear(reader)) == 10
        say(reader, b"\x02")  # reset: the application is no longer selected
        say(reader, GET_CHALLENGE)
        assert hear(reader) == b"\x69\x85"


def test_removing_closes_the_connection(vpcd: Vpcd, card: CardProfile) -> None:
    link = VpcdLink(Chip(card), port=vpcd.port)
    link.insert()
    with vpcd.accept() as reader:
        link.remove()
        with pytest.raises(ConnectionError):
            hear(reader)
    assert link.wait_removed(1)
    link.remove()
    link.insert()  # and in again
    with vpcd.accept() as reader:
        say(reader, b"\x04")
        assert hear(reader) == card.atr
        with pytest.raises(ReaderError):
            link.insert()
    link.remove()


def test_the_reader_may_go_first(vpcd: Vpcd, card: CardProfile) -> None:
    with VpcdLink(Chip(card), port=vpcd.port) as link:
        vpcd.accept().close()
        assert link.wait_removed(5)


def test_a_card_torn_off_gives_no_answer(vpcd: Vpcd, card: CardProfile) -> None:
    link = VpcdLink(Chip(card), port=vpcd.port, tear_after=1)
    with link, vpcd.accept() as reader:
        say(reader, b"\x01")
        say(reader, SELECT_APPLICATION)
        assert hear(reader) == b"\x90\x00"
        say(reader, GET_CHALLENGE)
        with pytest.raises(ConnectionError):
            hear(reader)
        assert link.wait_removed(5)


def test_no_virtual_reader(vpcd: Vpcd, card: CardProfile) -> None:
    vpcd.close()
    with pytest.raises(ReaderError) as caught:
        VpcdLink(Chip(card), port=vpcd.port).insert()
    assert caught.value.reason is CardReason.NO_READER
    assert "\n" not in str(caught.value)


def test_a_private_pcscd_that_is_not_running_says_so() -> None:
    with pytest.raises(ReaderError) as caught:
        _ = PrivatePcscd().socket
    assert caught.value.reason is CardReason.NO_SERVICE


def test_a_machine_without_pcscd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("card_reader.simulator.pcscd.shutil.which", lambda name, path: None)
    with pytest.raises(ReaderError, match="pcscd is missing"):
        PrivatePcscd().start()


def test_a_machine_where_pcscd_cannot_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither namespace is allowed: one clear line, and nothing is left behind."""
    program = tmp_path / "refuses"
    program.write_text("#!/bin/sh\necho unshare failed: Operation not permitted >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr("card_reader.simulator.pcscd._program", lambda name, remedy: str(program))
    monkeypatch.setattr("card_reader.simulator.pcscd.DRIVER", str(program.relative_to("/")))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "folders"))
    (tmp_path / "folders").mkdir()
    with pytest.raises(ReaderError, match=r"pcscd cannot run here.*not permitted") as caught:
        PrivatePcscd().start()
    assert caught.value.reason is CardReason.NO_SERVICE
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "folders").iterdir()) == []


# --- commands -----------------------------------------------------------------------------------


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers(required=True))
    parsed = parser.parse_args([str(argument) for argument in arguments])
    code: int = parsed.run(parsed)
    return code


RUN_SIMULATE = """
import argparse, sys
from card_reader.simulator import commands
parser = argparse.ArgumentParser()
commands.register(parser.add_subparsers(required=True))
arguments = parser.parse_args(sys.argv[1:])
sys.exit(arguments.run(arguments))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_simulate_runs_until_a_signal(
    vpcd: Vpcd, card: CardProfile, tmp_path: Path, number: signal.Signals
) -> None:
    card.save(tmp_path / "card.json")
    address = f"127.0.0.1:{vpcd.port}"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            RUN_SIMULATE,
            "simulate",
            str(tmp_path / "card.json"),
            "--vpcd",
            address,
            "--json",
        ],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    with vpcd.accept() as reader:
        say(reader, b"\x04")
        assert hear(reader) == card.atr
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["ended"] == "stopped"
    assert b"Traceback" not in err


def test_simulate_without_a_reader(vpcd: Vpcd, card: CardProfile, tmp_path: Path) -> None:
    card.save(tmp_path / "card.json")
    vpcd.close()
    with pytest.raises(ReaderError):
        run("simulate", tmp_path / "card.json", "--vpcd", f"127.0.0.1:{vpcd.port}")


@pytest.mark.parametrize("address", ["localhost", ":1", "localhost:0", "localhost:x"])
def test_simulate_with_a_wrong_address(address: str) -> None:
    with pytest.raises(SystemExit):
        run("simulate", "card.json", "--vpcd", address)
