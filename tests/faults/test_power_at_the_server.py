"""What commands of the server write outlives a power cut right behind them."""

import os
import random
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from card_reader.simulator.issuer import Issuer
from faults import shim
from faults.shim import Shim

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

COMMAND = str(Path(sys.executable).parent / "exam-server")


def test_a_new_server_and_its_trust_are_whole_after_a_power_cut(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    power = Shim(shim.build(tmp_path / "shim"), tmp_path / "power", (site,))
    passphrase = {"EXAM_SERVER_PASSPHRASE": secrets.token_urlsafe(24)}
    Issuer.create(tmp_path / "issuer")

    def call(*words: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **power.environment, **passphrase}
        return subprocess.run(
            [COMMAND, *map(str, words)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    server = site / "server"
    made = call("init", server, "--realm", "test")
    assert made.returncode == 0, made.stderr
    power.roll_back(random.Random(1), torn=False)
    loaded = call("load", "trust", server, tmp_path / "issuer")
    assert loaded.returncode == 0, loaded.stderr
    power.roll_back(random.Random(1), torn=False)
    files = [path for path in (server / "trust").rglob("*") if path.is_file()]
    assert files and all(path.stat().st_size for path in files)
    told = call("status", server)
    assert told.returncode == 0, told.stderr
    assert (server / "tls.crt").stat().st_size and (server / "tls.key").stat().st_size
