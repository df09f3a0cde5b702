"""The server's own keys: `keys.json`, encrypted under the operator's passphrase, and TLS."""

import base64
import binascii
import ipaddress
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from exam_server import durable
from exam_server.contract import canonical
from exam_server.contract.errors import ContractError
from exam_server.errors import InputError
from exam_server.sealing import MASTER_BYTES, Sealing

KEYS_FILE = "keys.json"
CERTIFICATE_FILE = "tls.crt"
TLS_KEY_FILE = "tls.key"
DOMAIN = "truong-thi/server-keys"
MIN_PASSPHRASE = 8
TLS_LIFETIME = timedelta(days=825)
# RFC 9106 §4, second recommended option: 64 MiB, three passes, four lanes.
KDF = {"iterations": 3, "lanes": 4, "memory_cost": 64 * 1024}


class WrongPassphraseError(InputError):
    """The passphrase does not open the keys."""


@dataclass(frozen=True, slots=True, repr=False)
class ServerKeys:
    """Everything secret that the server owns. `tls_passphrase` opens `tls.key`."""

    signing: Ed25519PrivateKey
    recovery: X25519PrivateKey
    master: bytes
    tls_passphrase: str

    @property
    def sealing(self) -> Sealing:
        """Seals rows of the database under this server's master key."""
        return Sealing(self.master)

    @classmethod
    def generate(cls, rng: Callable[[int], bytes] = os.urandom) -> "ServerKeys":
        """New keys."""
        return cls(
            signing=Ed25519PrivateKey.from_private_bytes(rng(32)),
            recovery=X25519PrivateKey.from_private_bytes(rng(32)),
            master=rng(MASTER_BYTES),
            tls_passphrase=rng(24).hex(),
        )

    def to_bytes(self) -> bytes:
        """Canonical bytes; secret."""
        raw = (self.signing.private_bytes_raw(), self.recovery.private_bytes_raw())
        return canonical.encode(DOMAIN, 1, *raw, self.master, self.tls_passphrase)

    @classmethod
    def from_bytes(cls, data: bytes) -> "ServerKeys":
        """ContractError unless `data` are the bytes that `to_bytes` gave."""
        match canonical.decode(DOMAIN, 1, data, fields=4):
            case [bytes(signing), bytes(recovery), bytes(master), str(tls_passphrase)]:
                return cls(
                    Ed25519PrivateKey.from_private_bytes(signing),
                    X25519PrivateKey.from_private_bytes(recovery),
                    master,
                    tls_passphrase,
                )
        raise ContractError("server keys whose fields are of the wrong kind")


def check_passphrase(passphrase: str) -> str:
    """`passphrase` itself; InputError where it is too short to protect anything."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise InputError(f"the passphrase needs at least {MIN_PASSPHRASE} characters")
    return passphrase


def lock(plaintext: bytes, passphrase: str, *, rng: Callable[[int], bytes] = os.urandom) -> bytes:
    """`plaintext` as JSON that only `passphrase` opens (Argon2id, AES-256-GCM)."""
    salt, nonce = rng(16), rng(12)
    ciphertext = AESGCM(_derive(check_passphrase(passphrase), salt, **KDF)).encrypt(
        nonce, plaintext, DOMAIN.encode()
    )
    fields = {"salt": salt, "nonce": nonce, "ciphertext": ciphertext}
    text = {name: base64.b64encode(value).decode() for name, value in fields.items()}
    return json.dumps({"version": 1, "kdf": {"name": "argon2id", **KDF}, **text}, indent=1).encode()


def unlock(data: bytes, passphrase: str) -> bytes:
    """What `lock` was given; WrongPassphraseError or, for damaged bytes, InputError."""
    try:
        fields = json.loads(data)
        cost = {name: int(fields["kdf"][name]) for name in KDF}
        salt, nonce, ciphertext = (
            base64.b64decode(fields[name], validate=True)
            for name in ("salt", "nonce", "ciphertext")
        )
        sound = fields["version"] == 1 and fields["kdf"]["name"] == "argon2id"
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise InputError("the key file is damaged; restore it from a backup") from error
    # The costs are bounded: a changed file must not make the server eat all memory.
    if not sound or len(nonce) != 12 or any(cost[name] > 16 * KDF[name] for name in KDF):
        raise InputError("the key file is damaged or of another version; restore it from a backup")
    try:
        key = _derive(passphrase, salt, **cost)
        return AESGCM(key).decrypt(nonce, ciphertext, DOMAIN.encode())
    except InvalidTag as error:
        raise WrongPassphraseError("the passphrase does not open the keys; try again") from error
    except ValueError as error:
        raise InputError("the key file is damaged; restore it from a backup") from error


def _derive(
    passphrase: str, salt: bytes, *, iterations: int, lanes: int, memory_cost: int
) -> bytes:
    kdf = Argon2id(
        salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory_cost
    )
    return kdf.derive(passphrase.encode())


def save(directory: Path, keys: ServerKeys, passphrase: str) -> None:
    """Writes `keys.json`, readable by its owner only."""
    durable.write_file(directory / KEYS_FILE, lock(keys.to_bytes(), passphrase))


def load(directory: Path, passphrase: str) -> ServerKeys:
    """The keys of the server in `directory`; InputError where they cannot be had."""
    path = directory / KEYS_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read; is {directory} a server directory?") from error
    try:
        return ServerKeys.from_bytes(unlock(data, passphrase))
    except (ContractError, ValueError) as error:
        raise InputError(f"{path} is damaged; restore it from a backup") from error


def make_certificate(directory: Path, keys: ServerKeys, hosts: list[str], now: datetime) -> None:
    """Writes `tls.crt`, self-signed for `hosts`, and `tls.key`, encrypted."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hosts[0])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + TLS_LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(private, SHA256())
    )
    encryption = BestAvailableEncryption(keys.tls_passphrase.encode())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    durable.write_file(directory / TLS_KEY_FILE, pem)
    public = certificate.public_bytes(Encoding.PEM)
    durable.write_file(directory / CERTIFICATE_FILE, public, durable.PUBLIC)


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def fingerprint(directory: Path) -> bytes:
    """SHA-256 of the TLS certificate in DER, as enrolment tokens carry it."""
    path = directory / CERTIFICATE_FILE
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read; restore it from a backup") from error
    return certificate.fingerprint(SHA256())
