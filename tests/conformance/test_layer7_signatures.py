"""Layer 7 of the plan, unit LDS_H, cases 1 to 15, 70 to 83 and 94 to 98: signatures of EF.SOD.

Every case is a chain of its own: an authority's key, a document signer's key, how each signs, and
the hashes over the data groups and the content.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from asn1crypto import pem
from drafts import (
    RSA_ENCRYPTION,
    SEQUENCE,
    CertificateDraft,
    ObjectDraft,
    Pen,
    SodDraft,
    der,
    dsa_pen,
    key,
    oid,
    pen,
)
from expectations import accepted, refused
from inspection import Inspect
from strictness import NO_SIGNER, strictly, with_file
from workshop import BAC, Workshop

from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import EF_SOD, CardProfile, data_group_id
from card_reader.simulator.signing_keys import KeyKind
from card_reader.trust.signatures import HASHES, Scheme, SignatureAlgorithm

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer7")]

Pens = Callable[[str], Pen]  # by owner: "authority" or "signer"
KEY_TYPE = der(SEQUENCE, oid(RSA_ENCRYPTION), b"\x05\x00")


@dataclass(frozen=True)
class Chain:
    """How a card was signed, and what the report calls it; `identifier` in the SignerInfo may be
    another one than the pen's."""

    authority: Pens
    signer: Pens
    groups: str  # the hash over the data groups
    digest: str  # the hash over the content
    reported: str
    identifier: bytes = b""

    def certificates(self, workshop: Workshop) -> tuple[bytes, bytes]:
        authority, signer = self.authority("authority"), self.signer("signer")
        root = CertificateDraft.of(workshop.issuer.csca.der).with_pens(authority, authority)
        leaf = CertificateDraft.of(workshop.issuer.signer.der).with_pens(authority, signer)
        return root.signed(authority), leaf.signed(authority)

    def sod(self, card: CardProfile, certificate: bytes, *, inside: bool = True) -> bytes:
        own = self.signer("signer")
        groups = {number: card.files[data_group_id(number)] for number in (1, 2)}
        draft = SodDraft.of(ObjectDraft.of(groups, self.groups), certificate, own, self.digest)
        draft = replace(draft, algorithm=self.identifier or own.identifier)
        return (draft if inside else replace(draft, certificates=())).file(own)


def signing(scheme: Scheme, name: str, *kinds: KeyKind) -> Pens:
    """The authority's kind of key, then the signer's; RSA as the plan has them by default."""
    authority, signer = kinds or (KeyKind.RSA_3072, KeyKind.RSA_2048)
    salt = HASHES[name].digest_size if scheme is Scheme.PSS else 0
    algorithm = SignatureAlgorithm(scheme, name, name if salt else "", salt)
    return lambda owner: pen(key(authority if owner == "authority" else signer, owner), algorithm)


def alike(pens: Pens, name: str, reported: str, identifier: bytes = b"") -> Chain:
    """One way of signing and one hash in the whole chain."""
    return Chain(pens, pens, name, name, reported, identifier)


def rsa(name: str, identifier: bytes = b"") -> Chain:
    return alike(signing(Scheme.RSA, name), name, f"rsa-{name}", identifier)


def pss_name(name: str) -> str:
    return f"pss-{name} mgf1-{name} salt {HASHES[name].digest_size}"


def pss(name: str) -> Chain:
    return alike(signing(Scheme.PSS, name), name, pss_name(name))


def dsa(name: str) -> Chain:
    return alike(lambda owner: dsa_pen(name, owner), name, f"dsa-{name}")


def ecdsa(name: str, scheme: Scheme = Scheme.ECDSA) -> Chain:
    kinds = {
        "sha256": (KeyKind.P256, KeyKind.P256),
        "sha384": (KeyKind.P384, KeyKind.P384),
        "sha512": (KeyKind.BRAINPOOL_P512R1, KeyKind.BRAINPOOL_P512R1),
    }.get(name, (KeyKind.P256, KeyKind.P224))
    return alike(signing(scheme, name, *kinds), name, f"{scheme}-{name}")


def bsi(name: str) -> Chain:
    return ecdsa(name, Scheme.PLAIN_ECDSA)


PSS_SHA256 = signing(Scheme.PSS, "sha256")
CHAINS = {
    "LDS_H_01": rsa("sha1"),
    "LDS_H_02": pss("sha1"),
    "LDS_H_03": pss("sha256"),
    "LDS_H_04": rsa("sha224"),
    "LDS_H_05": rsa("sha256"),
    "LDS_H_06": rsa("sha384"),
    "LDS_H_07": rsa("sha512"),
    "LDS_H_08": dsa("sha1"),
    "LDS_H_09": ecdsa("sha1"),
    "LDS_H_10": bsi("sha1"),
    "LDS_H_11": bsi("sha224"),
    "LDS_H_12": bsi("sha256"),
    "LDS_H_13": bsi("sha384"),
    "LDS_H_14": bsi("sha512"),
    "LDS_H_70": ecdsa("sha224"),
    "LDS_H_71": ecdsa("sha256"),
    "LDS_H_72": ecdsa("sha384"),
    "LDS_H_73": ecdsa("sha512"),
    "LDS_H_74": Chain(PSS_SHA256, PSS_SHA256, "sha224", "sha256", pss_name("sha256")),
    "LDS_H_75": Chain(PSS_SHA256, PSS_SHA256, "sha224", "sha224", pss_name("sha256")),
    "LDS_H_76": Chain(
        signing(Scheme.ECDSA, "sha224", KeyKind.P256, KeyKind.P256),
        signing(Scheme.RSA, "sha256"),
        "sha224",
        "sha224",
        "rsa-sha256",
    ),
    "LDS_H_77": Chain(
        signing(Scheme.PSS, "sha224"), PSS_SHA256, "sha256", "sha256", pss_name("sha256")
    ),
    "LDS_H_78": Chain(
        signing(Scheme.RSA, "sha256"), PSS_SHA256, "sha256", "sha256", pss_name("sha256")
    ),
    "LDS_H_79": rsa("sha1", KEY_TYPE),
    "LDS_H_80": rsa("sha224", KEY_TYPE),
    "LDS_H_81": rsa("sha256", KEY_TYPE),
    "LDS_H_82": rsa("sha384", KEY_TYPE),
    "LDS_H_83": rsa("sha512", KEY_TYPE),
    "LDS_H_94": pss("sha224"),
    "LDS_H_95": pss("sha384"),
    "LDS_H_96": pss("sha512"),
    "LDS_H_97": dsa("sha224"),
    "LDS_H_98": dsa("sha256"),
}


def trusting(folder: Path, *certificates: bytes) -> Path:
    """A folder of trust with one issuer, whose file holds these certificates."""
    issuer = folder / "issuer"
    issuer.mkdir()
    armoured = [pem.armor("CERTIFICATE", certificate) for certificate in certificates]
    (issuer / "csca.pem").write_bytes(b"".join(armoured))
    return folder


@pytest.mark.parametrize("chain", CHAINS.values(), ids=list(CHAINS))
def test_signature(chain: Chain, tmp_path: Path, workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(BAC)
    root, leaf = chain.certificates(workshop)
    signed = with_file(card, EF_SOD, chain.sod(card, leaf))
    outcome = strictly(inspect, signed, trust=trusting(tmp_path, root))
    accepted(outcome, algorithm=chain.reported, chain="trusted")
    # Under another authority of the same name nobody vouches for it.
    unknown = inspect(Chip(signed))
    assert (unknown.verdict, unknown.findings) == ("unproven", {"no_anchor"})


def test_lds_h_15(tmp_path: Path, workshop: Workshop, inspect: Inspect) -> None:
    """The signer's certificate lies in the store; without it there is nothing to verify with."""
    card, chain = workshop.issue(BAC), CHAINS["LDS_H_05"]
    root, leaf = chain.certificates(workshop)
    signed = with_file(card, EF_SOD, chain.sod(card, leaf, inside=False))
    accepted(strictly(inspect, signed, trust=trusting(tmp_path, root, leaf)))
    refused(inspect(Chip(signed)), *NO_SIGNER)
