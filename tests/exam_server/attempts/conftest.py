"""A paper being written, and the commands on the server that holds it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kiosk import Desk, Kiosk
from server_world import World

from exam_server import cli, directory, keys, settings

PASSPHRASE = "correct horse battery"

Command = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    """A station whose candidate was admitted and whose shift was started."""
    world.open_shift()
    kiosk = world.kiosk()
    world.admit_by_hand(kiosk)
    world.start_shift()
    return kiosk


@pytest.fixture
def desk(kiosk: Kiosk) -> Desk:
    attempt = kiosk.heartbeat().placement.attempt
    desk = kiosk.lease(attempt)
    kiosk.open_form(attempt)
    return desk


@pytest.fixture
def folder(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory of the world's server, as the commands want it."""
    folder = tmp_path / "server"
    folder.mkdir()
    url = world.server.engine.url.render_as_string(hide_password=False)
    settings.save(folder, world.server.settings.model_copy(update={"database_url": url}))
    keys.save(folder, world.server.keys, PASSPHRASE)
    directory.write_public_key(folder, world.server.keys)
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", PASSPHRASE)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command of the server with ``--json``: its exit code, and the one object it prints."""

    def command(*arguments: object) -> tuple[int, dict[str, Any]]:
        code = cli.main([*map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return command
