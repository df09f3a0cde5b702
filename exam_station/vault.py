"""The station's keys and whom it trusts, in one encrypted file of the data directory.

The key to it comes from a secret that lies elsewhere: a systemd credential, or a file named by
the environment. So a copy of the data directory opens nothing. There is no default secret.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError
from exam_station import durable

FILE = "station.vault"
DOMAIN = "truong-thi/vault"
CREDENTIAL = "station-unlock"
UNLOCK_VARIABLE = "EXAM_STATION_UNLOCK_FILE"
MIN_SECRET_BYTES = 16
MAX_SECRET_BYTES = 4096

#: RFC 7914 §2: cost, block size, parallelism (32 MiB, a tenth of a second).
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1


class VaultError(Exception):
    """The station's keys cannot be had; the message says what to do."""


class NotEnrolledError(VaultError):
    """There is no vault in this data directory."""


def unlock_secret(environ: Mapping[str, str], data: Path) -> bytes:
    """The secret that opens the vault of `data`; VaultError where there is none to be had."""
    path = _secret_path(environ)
    if path.resolve().is_relative_to(data.resolve()):
        raise VaultError(
            f"The unlock secret must not lie in the station's data directory; move {path}."
        )
    try:
        with path.open("rb") as file:
            secret = file.read(MAX_SECRET_BYTES + 1).strip()
    except OSError as error:
        raise VaultError(
            f"The unlock secret {path} cannot be read ({error.strerror}); check path and rights."
        ) from error
    if not MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES:
        raise VaultError(
            f"The unlock secret in {path} must have {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes."
        )
    return secret


def _secret_path(environ: Mapping[str, str]) -> Path:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder and (Path(folder) / CREDENTIAL).exists():
        return Path(folder) / CREDENTIAL
    named = environ.get(UNLOCK_VARIABLE)
    if named:
        return Path(named)
    raise VaultError(
        f"There is no unlock secret: give the service the credential {CREDENTIAL}, "
        f"or name a file in {UNLOCK_VARIABLE}."
    )


@dataclass(frozen=True, slots=True)
class Vault:
    """Who this station is, and the one server that it believes.

    `certificate` is the server's TLS certificate in DER. The seeds are the raw 32 bytes of the
    private keys.
    """

    station: str
    realm: str
    name: str
    url: str
    certificate: bytes
    server_key: bytes
    recovery_key: bytes
    signing_seed: bytes = field(repr=False)
    wrapping_seed: bytes = field(repr=False)

    @property
    def signing(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.signing_seed)

    @property
    def wrapping(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.wrapping_seed)

    @property
    def server(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.server_key)

    @property
    def recovery(self) -> X25519PublicKey:
        return X25519PublicKey.from_public_bytes(self.recovery_key)

    def save(self, data: Path, secret: bytes, rng: Callable[[int], bytes] = os.urandom) -> None:
        """Writes the vault into the data directory; raises VaultError, with nothing changed."""
        salt, nonce = rng(16), rng(12)
        public = canonical.encode(f"{DOMAIN}/salt", 1, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
        key = _derive(secret, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
        sealed = AESGCM(key).encrypt(nonce, self._plain(), public)
        try:
            durable.write_file(
                data / FILE, canonical.encode(f"{DOMAIN}/sealed", 1, public, nonce, sealed)
            )
        except OSError as error:
            raise VaultError(f"{data} cannot be written ({error.strerror}); check it.") from error

    def _plain(self) -> bytes:
        who = (self.station, self.realm, self.name, self.url, self.certificate)
        keys = (self.server_key, self.recovery_key, self.signing_seed, self.wrapping_seed)
        return canonical.encode(DOMAIN, 1, *who, *keys)

    @classmethod
    def load(cls, data: Path, secret: bytes) -> "Vault":
        """The vault of the data directory; NotEnrolledError, or VaultError where it won't open."""
        try:
            stored = (data / FILE).read_bytes()
        except FileNotFoundError as error:
            raise NotEnrolledError(
                f"{data} holds no enrolled station; run exam-station enroll first."
            ) from error
        except OSError as error:
            raise VaultError(f"{data / FILE} cannot be read ({error.strerror}).") from error
        try:
            return cls._open(stored, secret)
        except (ContractError, InvalidTag, ValueError, TypeError) as error:
            raise VaultError(
                f"{data / FILE} does not open: the unlock secret is another one, or it is damaged."
            ) from error

    @classmethod
    def _open(cls, stored: bytes, secret: bytes) -> "Vault":
        public, nonce, sealed = canonical.decode(f"{DOMAIN}/sealed", 1, stored, fields=3)
        salt, n, r, p = canonical.decode(f"{DOMAIN}/salt", 1, public, fields=4)
        if (n, r, p) != (SCRYPT_N, SCRYPT_R, SCRYPT_P):
            raise ValueError("another cost than this program writes")
        plain = AESGCM(_derive(secret, salt, n, r, p)).decrypt(nonce, sealed, public)
        return cls(*canonical.decode(DOMAIN, 1, plain, fields=9))


def _derive(secret: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(secret)
