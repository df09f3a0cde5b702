"""How a machine becomes a station: a one-time token, keys made here, one server pinned for good."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from exam_server.contract.api import Enrolled, Enrolment
from exam_server.contract.enrolment import EnrolmentToken
from exam_station import durable
from exam_station.client import Client, ClientError, fetch_certificate, tells_nothing
from exam_station.clock import ServerClock
from exam_station.trying_again import back_off
from exam_station.vault import FILE, Vault, VaultError

#: The station's name in the enrolment's own proof, before the server has given it one.
NEWCOMER = "enrolment"
#: The token may be spent though no answer came: the same keys are shown so many times in all.
TRIES = 5


def enrol(
    token: EnrolmentToken,
    *,
    name: str,
    data: Path,
    secret: bytes,
    version: str,
    rng: Callable[[int], bytes] = os.urandom,
) -> Vault:
    """Joins the server of `token` and keeps the keys in `data`.

    Raises VaultError and the client's errors; a token that the server refused leaves nothing
    behind.
    """
    if (data / FILE).exists():
        raise VaultError(f"{data} already holds an enrolled station; use another directory.")
    _check_writable(data)  # before the token is spent
    vault = join(token, name=name, version=version, rng=rng)
    vault.save(data, secret, rng)
    return vault


def join(
    token: EnrolmentToken,
    *,
    name: str,
    version: str,
    rng: Callable[[int], bytes] = os.urandom,
) -> Vault:
    """Joins the server of `token` with new keys, which are in memory only.

    The server must prove the token's fingerprint before anything is sent.
    """
    certificate = fetch_certificate(token.url, token.fingerprint)
    signing_seed, wrapping_seed = rng(32), rng(32)
    newcomer = Vault(
        station=NEWCOMER,
        realm="",
        name=name,
        url=token.url,
        certificate=certificate,
        server_key=b"",
        recovery_key=b"",
        signing_seed=signing_seed,
        wrapping_seed=wrapping_seed,
    )
    client = Client(newcomer, ServerClock(), rng)
    try:
        enrolled = _enrolled(
            client,
            Enrolment(
                secret=token.secret,
                signing_key=_public(Ed25519PrivateKey.from_private_bytes(signing_seed)),
                wrapping_key=_public(X25519PrivateKey.from_private_bytes(wrapping_seed)),
                name=name,
                program_version=version,
            ),
            rng,
        )
    finally:
        client.close()
    return Vault(
        station=enrolled.station,
        realm=enrolled.realm,
        name=enrolled.name,
        url=token.url,
        certificate=certificate,
        server_key=enrolled.server_key,
        recovery_key=enrolled.recovery_key,
        signing_seed=signing_seed,
        wrapping_seed=wrapping_seed,
    )


def _enrolled(client: Client, enrolment: Enrolment, rng: Callable[[int], bytes]) -> Enrolled:
    for failures in range(TRIES - 1):
        try:
            return client.enrol(enrolment)
        except ClientError as error:
            if not tells_nothing(error):
                raise
        time.sleep(back_off(failures, jitter=rng(1)[0] / 256))
    return client.enrol(enrolment)


def _check_writable(data: Path) -> None:
    trial = data / ".trial"
    try:
        durable.write_file(trial, b"")
        trial.unlink()
    except OSError as error:
        raise VaultError(f"{data} cannot be written ({error.strerror}); check it.") from error


def _public(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()
