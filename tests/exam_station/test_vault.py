"""The vault: the data directory alone opens nothing."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from exam_station.vault import (
    CREDENTIAL,
    FILE,
    UNLOCK_VARIABLE,
    NotEnrolledError,
    Vault,
    VaultError,
    unlock_secret,
)

SECRET = b"a secret of this machine"
VAULT = Vault(
    station="station-1",
    realm="test",
    name="P01-03",
    url="https://localhost:8443",
    certificate=b"certificate in DER",
    server_key=b"k" * 32,
    recovery_key=b"r" * 32,
    signing_seed=bytes(range(32)),
    wrapping_seed=bytes(range(32, 64)),
)


def test_it_comes_back_whole_and_for_this_account_only(tmp_path: Path) -> None:
    VAULT.save(tmp_path, SECRET)
    assert Vault.load(tmp_path, SECRET) == VAULT
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_data_directory_alone_opens_nothing(tmp_path: Path) -> None:
    VAULT.save(tmp_path, SECRET)
    secrets = (VAULT.signing_seed, VAULT.wrapping_seed, SECRET)
    for path in tmp_path.rglob("*"):
        data = path.read_bytes()
        for secret in secrets:
            assert secret not in data
            assert secret.hex().encode() not in data
    for wrong in (b"another secret of 24 byt", SECRET + b"x", b"x" * 16):
        with pytest.raises(VaultError, match="does not open"):
            Vault.load(tmp_path, wrong)
    with pytest.raises(VaultError, match="no unlock secret"):
        unlock_secret({}, tmp_path)
    assert repr(VAULT).find("\\x01\\x02") == -1


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    VAULT.save(tmp_path, SECRET)
    path = tmp_path / FILE
    sound = path.read_bytes()
    for at in range(0, len(sound), 29):
        changed = bytearray(sound)
        changed[at] ^= 1
        path.write_bytes(bytes(changed))
        with pytest.raises(VaultError):
            Vault.load(tmp_path, SECRET)


def test_the_secret_comes_from_the_credential_or_the_named_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / CREDENTIAL).write_bytes(SECRET + b"\n")
    named = tmp_path / "unlock"
    named.write_bytes(b"another secret of this machine")
    environ = {UNLOCK_VARIABLE: str(named)}
    assert unlock_secret(environ, data) == b"another secret of this machine"
    environ["CREDENTIALS_DIRECTORY"] = str(credentials)
    assert unlock_secret(environ, data) == SECRET


def test_a_secret_that_protects_nothing_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "unlock"
    inside.write_bytes(SECRET)
    with pytest.raises(VaultError, match="must not lie"):
        unlock_secret({UNLOCK_VARIABLE: str(inside)}, tmp_path)
    short = tmp_path / "short"
    short.write_bytes(b"short")
    with pytest.raises(VaultError, match="16"):
        unlock_secret({UNLOCK_VARIABLE: str(short)}, tmp_path / "data")
    with pytest.raises(VaultError, match="cannot be read"):
        unlock_secret({UNLOCK_VARIABLE: str(tmp_path / "none")}, tmp_path / "data")


def test_no_vault_means_not_enrolled(tmp_path: Path) -> None:
    with pytest.raises(NotEnrolledError, match="exam-station enroll"):
        Vault.load(tmp_path, SECRET)


def test_saving_again_replaces_it_whole(tmp_path: Path) -> None:
    VAULT.save(tmp_path, SECRET)
    renamed = replace(VAULT, name="P02-01")
    renamed.save(tmp_path, SECRET)
    assert Vault.load(tmp_path, SECRET) == renamed
    assert len(fields(Vault)) == 9
