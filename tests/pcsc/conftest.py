"""Issuers and a card for the tests of the virtual readers."""

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from card_reader.simulator.issuer import Issuer, KeyKind
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile

PORTRAIT = Path(__file__).parents[2] / "fixtures/portrait/portrait.jpg"


@pytest.fixture(scope="session")
def portrait() -> bytes:
    return PORTRAIT.read_bytes()


@pytest.fixture(scope="session")
def other_portrait(portrait: bytes) -> bytes:
    out = BytesIO()
    with Image.open(BytesIO(portrait)) as image:
        ImageOps.invert(image).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer.generate()


@pytest.fixture(scope="session")
def foreign() -> Issuer:
    return Issuer.generate(country="XX", kind=KeyKind.P256)


@pytest.fixture(scope="session")
def trust_folder(issuer: Issuer, foreign: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trust")
    issuer.save(folder / "home")
    foreign.save(folder / "foreign")
    return folder


@pytest.fixture(scope="session")
def card(issuer: Issuer, portrait: bytes) -> CardProfile:
    holder = Holder("001206012345", "Nguyễn Văn An", date(2006, 5, 17), "M")
    return issuer.issue(holder, portrait)
