"""What a collection of certificates consists of: who is self-signed, who links, who is alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from card_reader.trust.certificates import Certificate
from card_reader.trust.store import Realm, TrustStore


class Kind(StrEnum):
    SELF_SIGNED = "self_signed"  # verifies under its own key
    LINK = "link"  # a CA that verifies only under another one given
    DOCUMENT_SIGNER = "document_signer"  # not a CA
    ORPHAN = "orphan"  # no given certificate it verifies under


class SignatureState(StrEnum):
    VALID = "valid"
    INVALID = "invalid"  # a candidate parent is there and none verifies
    NO_PARENT = "no_parent"


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate with its place among the others."""

    certificate: Certificate
    kind: Kind
    signature: SignatureState

    def to_dict(self) -> dict[str, object]:
        certificate = self.certificate
        return {
            "subject": certificate.subject_text,
            "country": certificate.country,
            "sha256": certificate.sha256,
            "key": certificate.key_text,
            "kind": self.kind.value,
            "signature": self.signature.value,
            "explicit_parameters": certificate.has_explicit_parameters,
        }


def take_inventory(certificates: Sequence[Certificate]) -> tuple[Entry, ...]:
    """Classify the distinct certificates; parents are looked for among them alone."""
    distinct = tuple(dict.fromkeys(certificates))
    store = TrustStore(distinct, realm=Realm.TEST)  # the index alone; nothing is trusted here
    return tuple(_entry(certificate, store) for certificate in distinct)


def _entry(certificate: Certificate, store: TrustStore) -> Entry:
    if certificate.signed_by(certificate):
        return Entry(certificate, Kind.SELF_SIGNED, SignatureState.VALID)
    if store.vouching(certificate):
        kind = Kind.LINK if certificate.is_ca else Kind.DOCUMENT_SIGNER
        return Entry(certificate, kind, SignatureState.VALID)
    candidates = (certificate, *store.candidates(certificate))
    claimed = any(certificate.names_as_parent(item) for item in candidates)
    state = SignatureState.INVALID if claimed else SignatureState.NO_PARENT
    return Entry(certificate, Kind.ORPHAN if certificate.is_ca else Kind.DOCUMENT_SIGNER, state)
