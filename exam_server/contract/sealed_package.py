"""A sealed form: encrypted under its content key, signed by the server, safe to stage for hours."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError

DOMAIN = "truong-thi/package"
CONTENT_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PackageHeader:
    """What may be known of a sealed form before the start."""

    package: str
    realm: str
    shift: str
    paper: str
    code: str

    def fields(self) -> list[str]:
        return [self.package, self.realm, self.shift, self.paper, self.code]


def seal(
    form: bytes, header: PackageHeader, key: bytes, signer: Ed25519PrivateKey, nonce: bytes
) -> bytes:
    """The sealed package. `key` is 32 bytes, drawn for this form alone; `nonce` 12 random bytes."""
    aad = canonical.encode(DOMAIN, 1, header.fields())
    ciphertext = AESGCM(key).encrypt(nonce, form, aad)
    body = canonical.encode(DOMAIN, 1, header.fields(), nonce, ciphertext)
    return canonical.encode(f"{DOMAIN}/signed", 1, body, signer.sign(body))


def check(sealed: bytes, server: Ed25519PublicKey) -> tuple[PackageHeader, bytes, bytes]:
    """Header, nonce and ciphertext of a package that `server` signed; ContractError otherwise."""
    body, signature = canonical.decode(f"{DOMAIN}/signed", 1, sealed, fields=2)
    try:
        server.verify(signature, body)
    except (InvalidSignature, TypeError) as error:
        raise ContractError("this package was not signed by the server") from error
    fields, nonce, ciphertext = canonical.decode(DOMAIN, 1, body, fields=3)
    return PackageHeader(*fields), nonce, ciphertext


def unseal(sealed: bytes, key: bytes, server: Ed25519PublicKey) -> tuple[PackageHeader, bytes]:
    """Header and canonical form bytes; ContractError where signature or key does not fit."""
    header, nonce, ciphertext = check(sealed, server)
    aad = canonical.encode(DOMAIN, 1, header.fields())
    try:
        return header, AESGCM(key).decrypt(nonce, ciphertext, aad)
    except (InvalidTag, ValueError) as error:
        raise ContractError("this key does not open this package") from error
