"""A pcscd of the tests' own with virtual readers, and a process that reads through it.

libpcsclite reads PCSCLITE_CSOCK_NAME once in the life of a process, so the reading side runs in a
process of its own, whatever other tests have done with PC/SC before. A set that was asked for and
cannot run fails; it does not skip.
"""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
import reading_process
from PIL import Image, ImageOps
from reading_process import ReaderProcess

from card_reader.simulator.issuer import Issuer, KeyKind
from card_reader.simulator.pcscd import PrivatePcscd
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile

PORTRAIT = Path(__file__).parents[2] / "fixtures/portrait/portrait.jpg"


@pytest.fixture(scope="session")
def pcscd() -> Iterator[PrivatePcscd]:
    with PrivatePcscd() as service:
        yield service


@pytest.fixture(scope="session")
def reader(pcscd: PrivatePcscd) -> Iterator[ReaderProcess]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, reading_process.use, (dict(pcscd.environment),)) as pool:
        yield ReaderProcess(pool)


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
