"""One test issuer and one card for all tests of the simulator."""

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile

PORTRAIT = Path(__file__).parents[3] / "fixtures/portrait/portrait.jpg"


@pytest.fixture(scope="session")
def portrait() -> bytes:
    return PORTRAIT.read_bytes()


@pytest.fixture(scope="session")
def other_portrait(portrait: bytes) -> bytes:
    """Another picture (not another person)."""
    out = BytesIO()
    with Image.open(BytesIO(portrait)) as image:
        ImageOps.invert(image).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="session")
def holder() -> Holder:
    return Holder("001206012345", "Nguyễn Văn An", date(2006, 5, 17), "M")


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer.generate()


@pytest.fixture(scope="session")
def card(issuer: Issuer, holder: Holder, portrait: bytes) -> CardProfile:
    return issuer.issue(holder, portrait)
