"""Layer 6 of the plan, unit ISO7816_F: active authentication."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from expectations import accepted, refused
from inspection import Inspect
from mistakes import data
from workshop import Workshop, signing

from card_reader.lds.security_infos import ActiveAuthenticationInfo
from card_reader.simulator.active_authentication import load_key
from card_reader.simulator.chip import Chip
from card_reader.simulator.faults import Fault, FaultyChip
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.recipe import ActiveAuthenticationRecipe
from card_reader.simulator.signing_keys import KeyKind

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer6")]

INTERNAL_AUTHENTICATE = 0x88
RSA = signing(ActiveAuthenticationRecipe(KeyKind.RSA_2048))
UNKNOWN_SIGNATURE = "0.4.0.127.0.7.1.1.4.1.99"  # below ecdsa-plain-signatures


def signs(card: CardProfile, hash_name: str, inspect: Inspect) -> None:
    outcome = inspect(Chip(replace(card, authentication_hash=hash_name)))
    accepted(outcome, active_authentication="passed")


def test_iso7816_f_01(workshop: Workshop, inspect: Inspect) -> None:
    signs(workshop.issue(RSA), "SHA-1", inspect)


@pytest.mark.parametrize(
    ("kind", "hash_name"),
    [
        (KeyKind.P224, "sha224"),
        (KeyKind.P256, "sha256"),
        (KeyKind.P384, "sha384"),
        (KeyKind.P521, "sha512"),
        (KeyKind.BRAINPOOL_P256R1, "sha256"),
        (KeyKind.BRAINPOOL_P512R1, "sha512"),
    ],
    ids=lambda value: str(value),
)
def test_iso7816_f_02(kind: KeyKind, hash_name: str, workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(signing(ActiveAuthenticationRecipe(kind, hash_name)))
    accepted(inspect(Chip(card)), active_authentication="passed")


def test_iso7816_f_04(workshop: Workshop, inspect: Inspect) -> None:
    signs(workshop.issue(RSA), "SHA-224", inspect)


def test_iso7816_f_05(workshop: Workshop, inspect: Inspect) -> None:
    signs(workshop.issue(RSA), "SHA-256", inspect)


def test_iso7816_f_06(workshop: Workshop, inspect: Inspect) -> None:
    signs(workshop.issue(RSA), "SHA-384", inspect)


def test_iso7816_f_07(workshop: Workshop, inspect: Inspect) -> None:
    signs(workshop.issue(RSA), "SHA-512", inspect)


@pytest.mark.parametrize("trailer", ["34BC", "34DC", "33CC", "00CC"])
def test_iso7816_f_08(trailer: str, workshop: Workshop, inspect: Inspect) -> None:
    """The genuine key signs a block that ends otherwise than SHA-256's does: 34CC."""
    card = workshop.issue(RSA)
    assert card.authentication_key is not None
    key = load_key(card.authentication_key)
    assert isinstance(key, RSAPrivateKey)
    numbers = key.private_numbers()
    modulus, exponent = numbers.public_numbers.n, numbers.public_numbers.e

    def end_otherwise(signature: bytes) -> bytes:
        block = pow(int.from_bytes(signature, "big"), exponent, modulus)
        changed = block >> 16 << 16 | int(trailer, 16)
        return pow(changed, numbers.d, modulus).to_bytes(len(signature), "big")

    outcome = inspect(FaultyChip(card, Fault(INTERNAL_AUTHENTICATE, data(end_otherwise))))
    refused(outcome, "active_authentication_failed")
    assert outcome.report["active_authentication"] == "failed"


def test_iso7816_f_09(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(signing(ActiveAuthenticationRecipe(KeyKind.P256)))
    info = ActiveAuthenticationInfo(UNKNOWN_SIGNATURE).security_info()
    outcome = inspect(Chip(workshop.with_infos(card, [info])))
    refused(outcome, "active_authentication_failed")
