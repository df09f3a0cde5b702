"""Offscreen Qt, a small paper with every interaction, and the window as a person would meet it."""

import os
from datetime import date, timedelta

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from kiosk_stage import HALF, START, SVG, Kiosk, options, shown_window
from pytestqt.qtbot import QtBot

from exam_server.contract.ledger import Ledger
from exam_station.flow import screens
from exam_station.flow.states import State, Status
from exam_station.sitting import Sitting
from exam_station.ui.window import KioskWindow
from question_bank.item import Media
from question_bank.package import (
    PresentedChoice,
    PresentedCluster,
    PresentedForm,
    PresentedItem,
    PresentedNumeric,
    PresentedPart,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The offscreen platform has no size hints and says so at every window."""
    for item in items:
        if "/kiosk/" in item.nodeid:
            item.add_marker(pytest.mark.qt_log_ignore("propagateSizeHints"))


@pytest.fixture(scope="session")
def form() -> PresentedForm:
    """Items 1 and 2 single, 3 multiple choice, 4 a cluster, 5 a numeric entry."""
    stem = f'<p>Tính {HALF}.</p><p><img src="media:hinh" alt="hình"/></p>'
    four = options(HALF, "<p>hai</p>", "<p>ba</p>", "<p>bốn</p>")
    choices = tuple(
        PresentedItem(f"i{number}", number, stem, PresentedChoice("single", four))
        for number in (1, 2)
    )
    several = PresentedItem("i3", 3, "<p>Chọn các số lẻ.</p>", PresentedChoice("multiple", four))
    cluster = PresentedItem("i4", 4, "<p>Xét các ý sau.</p>", PresentedCluster(four))
    numeric = PresentedItem("i5", 5, "<p>Nhập số.</p>", PresentedNumeric(4, "0123456789,-", "cm"))
    return PresentedForm(
        exam="Thi thử",
        paper="Toán",
        code="0101",
        minutes=90,
        parts=(
            PresentedPart("PHẦN I", "<p>Chọn một.</p>", (*choices, several)),
            PresentedPart("PHẦN II", "", (cluster, numeric)),
        ),
        media=(Media("hinh", "image/svg+xml", SVG),),
    )


@pytest.fixture
def candidate() -> screens.Candidate:
    return screens.Candidate("p1", "01000123", "Nguyễn An", date(2008, 9, 2), "Toán", 90)


@pytest.fixture
def writing(form: PresentedForm, candidate: screens.Candidate) -> State:
    """A paper just opened, 80 minutes to go, everything connected."""
    sitting, _ = Sitting.begin(form)
    now = START + timedelta(minutes=10)
    paper = screens.Writing(candidate, "a1", sitting, Ledger(timedelta(minutes=90), started=START))
    place = screens.Place("Điểm thi 1", "101", "05")
    status = Status(now=now, remaining=timedelta(minutes=80), connected=True, place=place)
    return State(screen=paper, status=status)


@pytest.fixture
def window(qtbot: QtBot) -> KioskWindow:
    return shown_window(qtbot)


@pytest.fixture
def kiosk(window: KioskWindow, writing: State) -> Kiosk:
    return Kiosk(window, writing)
