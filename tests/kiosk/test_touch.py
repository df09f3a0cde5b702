"""A finger does what a mouse does: taps and drags reach the widgets."""

from decimal import Decimal

import pytest
from kiosk_stage import Kiosk, paper_of
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QPointingDevice
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from exam_station.ui.items.canvas import PictureCanvas
from question_bank.interactions import (
    Area,
    GapMatch,
    Hotspot,
    Option,
    Order,
    Picture,
    Piece,
    Shape,
    Slider,
)
from question_bank.response import ChoiceResponse, OrderResponse, PairsResponse, SliderResponse

STEPS = 6


@pytest.fixture(scope="module")
def screen() -> QPointingDevice:
    return QTest.createTouchDevice()


def swipe(screen: QPointingDevice, kiosk: Kiosk, start: QPoint, end: QPoint) -> None:
    """A finger from one place of the window to another, in global coordinates."""
    window = kiosk.window
    first, last = window.mapFromGlobal(start), window.mapFromGlobal(end)
    finger = QTest.touchEvent(window, screen)
    finger.press(0, first, window)
    finger.commit()
    for step in range(1, STEPS + 1):
        finger = QTest.touchEvent(window, screen)
        finger.move(0, first + (last - first) * step / STEPS, window)
        finger.commit()
    finger = QTest.touchEvent(window, screen)
    finger.release(0, last, window)
    finger.commit()


def middle(widget: QWidget) -> QPoint:
    return widget.mapToGlobal(widget.rect().center())


def tap(screen: QPointingDevice, kiosk: Kiosk, at: QPoint) -> None:
    swipe(screen, kiosk, at, at)


def test_area_is_tapped(kiosk: Kiosk, screen: QPointingDevice) -> None:
    areas = (Area("a", Shape("rect", (0, 0, 40, 60))), Area("b", Shape("rect", (40, 0, 80, 60))))
    kiosk.begin(paper_of(Hotspot(Picture("hinh", 80, 60), areas)))
    canvas = kiosk.find("canvas")
    assert isinstance(canvas, PictureCanvas)
    tap(screen, kiosk, canvas.mapToGlobal(canvas.on_screen.map(QPointF(60, 30)).toPoint()))
    assert kiosk.response == ChoiceResponse(("b",), "hotspot")


def test_piece_is_dragged_with_a_finger(kiosk: Kiosk, screen: QPointingDevice) -> None:
    text = '<p>Nước <span data-part="g1"></span>.</p>'
    kiosk.begin(paper_of(GapMatch(text, (Piece("a", "bay hơi"), Piece("b", "nguội")))))
    swipe(screen, kiosk, middle(kiosk.find("piece-b")), middle(kiosk.find("gap-g1")))
    assert kiosk.response == PairsResponse((("b", "g1"),), "gap_match")


def test_row_is_dragged_with_a_finger(kiosk: Kiosk, screen: QPointingDevice) -> None:
    kiosk.begin(paper_of(Order((Option("a", "một"), Option("b", "hai"), Option("c", "ba")))))
    swipe(screen, kiosk, middle(kiosk.find("row-a")), middle(kiosk.find("row-c")) + QPoint(0, 6))
    assert kiosk.response == OrderResponse(("b", "c", "a"))


def test_handle_is_drawn_with_a_finger(kiosk: Kiosk, screen: QPointingDevice) -> None:
    kiosk.begin(paper_of(Slider(Decimal(0), Decimal(10))))
    rail = kiosk.find("slider")
    left = rail.mapToGlobal(QPoint(4, rail.height() // 2))
    right = rail.mapToGlobal(QPoint(rail.width() - 4, rail.height() // 2))
    swipe(screen, kiosk, left, right)
    assert kiosk.response == SliderResponse("10")
