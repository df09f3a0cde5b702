"""A server of the realm live with three officers."""

import shutil
from pathlib import Path

import pytest
from trust_office import NAMES, PASSPHRASE, SERVER_PASSPHRASE, Authority, Office, at_the_desk

from exam_server import cli
from exam_server.trust import officers


@pytest.fixture(autouse=True)
def _passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", SERVER_PASSPHRASE)
    monkeypatch.setenv("EXAM_OFFICER_PASSPHRASE", PASSPHRASE)


@pytest.fixture(scope="session")
def officer_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("officers")
    with at_the_desk():
        for number, _ in enumerate(NAMES):
            officers.make_key(folder / f"{number}.key", PASSPHRASE)
    return folder


@pytest.fixture(scope="session")
def public_keys(officer_keys: Path) -> dict[str, str]:
    return {
        name: officers.open_key(officer_keys / f"{number}.key", PASSPHRASE)
        .public_key()
        .public_bytes_raw()
        .hex()
        for number, name in enumerate(NAMES)
    }


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def files(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.save(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def empty_servers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server of each realm, in a folder of its name, before its officers are founded."""
    folder = tmp_path_factory.mktemp("servers")
    with at_the_desk():
        for realm in ("live", "test"):
            assert cli.main(["init", str(folder / realm), "--realm", realm]) == 0
    return folder


@pytest.fixture(scope="session")
def founded_servers(
    empty_servers: Path, public_keys: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("founded")
    with at_the_desk():
        named = [f"--officer={name}={key}" for name, key in public_keys.items()]
        for realm in ("live", "test"):
            shutil.copytree(empty_servers / realm, folder / realm)
            assert cli.main(["trust", "found", str(folder / realm), *named]) == 0
    return folder


@pytest.fixture
def office(founded_servers: Path, officer_keys: Path, tmp_path: Path) -> Office:
    """The live server."""
    shutil.copytree(founded_servers / "live", tmp_path / "live")
    return Office(tmp_path / "live", officer_keys)


@pytest.fixture
def rehearsal(founded_servers: Path, officer_keys: Path, tmp_path: Path) -> Office:
    """The server of the realm test."""
    shutil.copytree(founded_servers / "test", tmp_path / "test")
    return Office(tmp_path / "test", officer_keys)
