"""Areas, points and pieces on a picture, and the number on a scale."""

from decimal import Decimal

import pytest
from kiosk_stage import Kiosk, paper_of
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QSlider

from exam_station.ui.items.canvas import PictureCanvas, outline
from exam_station.ui.theme import TextSize
from question_bank.interactions import (
    Area,
    GraphicGapMatch,
    GraphicOrder,
    Hotspot,
    Picture,
    Piece,
    SelectPoint,
    Shape,
    Slider,
)
from question_bank.response import (
    ChoiceResponse,
    OrderResponse,
    PairsResponse,
    PointsResponse,
    SliderResponse,
)

LEFT = Qt.MouseButton.LeftButton
Key = Qt.Key
SHOWN = Picture("hinh", 80, 60, "một hình chữ nhật")
AREAS = (
    Area("a", Shape("rect", (0, 0, 40, 60)), "nửa trái"),
    Area("b", Shape("circle", (60, 30, 15)), most=2),
    Area("c", Shape("poly", (5, 5, 25, 5, 15, 25)), "tam giác"),
)
PIECES = (Piece("p", "lá"), Piece("q", "rễ"), Piece("r", "hoa", most=0))


def canvas_of(kiosk: Kiosk) -> PictureCanvas:
    canvas = kiosk.find("canvas")
    assert isinstance(canvas, PictureCanvas)
    return canvas


def spot(canvas: PictureCanvas, x: float, y: float) -> QPoint:
    return canvas.on_screen.map(QPointF(x, y)).toPoint()


def point_at(kiosk: Kiosk, x: float, y: float) -> None:
    canvas = canvas_of(kiosk)
    QTest.mouseClick(canvas, LEFT, pos=spot(canvas, x, y))


def press(kiosk: Kiosk, *keys: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    for key in keys:
        target = kiosk.window.focusWidget() or kiosk.window
        QTest.keyClick(target, key, modifier or Qt.KeyboardModifier.NoModifier)


def checked(kiosk: Kiosk, name: str) -> bool:
    button = kiosk.find(name)
    assert isinstance(button, QAbstractButton)
    return button.isChecked()


@pytest.mark.parametrize(
    ("shape", "inside", "outside"),
    [
        (Shape("rect", (10, 10, 30, 20)), (29, 19), (31, 19)),
        (Shape("circle", (20, 20, 10)), (20, 11), (28, 28)),
        (Shape("ellipse", (20, 20, 15, 5)), (33, 20), (20, 26)),
        (Shape("poly", (0, 0, 20, 0, 0, 20)), (5, 5), (15, 15)),
    ],
)
def test_shapes_hold_what_is_in_them(
    shape: Shape, inside: tuple[int, int], outside: tuple[int, int]
) -> None:
    assert outline(shape).contains(QPointF(*inside))
    assert not outline(shape).contains(QPointF(*outside))


def test_areas_are_pressed_and_the_smallest_counts(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(Hotspot(SHOWN, AREAS)))
    point_at(kiosk, 15, 10)
    assert kiosk.response == ChoiceResponse(("c",), "hotspot")
    point_at(kiosk, 30, 50)
    assert kiosk.response == ChoiceResponse(("a",), "hotspot")
    kiosk.restart()
    assert checked(kiosk, "area-a")
    point_at(kiosk, 30, 50)
    assert kiosk.response is None
    point_at(kiosk, 78, 2)
    assert kiosk.response is None


def test_areas_by_keys_and_their_names(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(Hotspot(SHOWN, AREAS, max_choices=0)))
    press(kiosk, Key.Key_Space, Key.Key_Tab, Key.Key_Return)
    assert kiosk.response == ChoiceResponse(("a", "b"), "hotspot")
    names = [kiosk.find(f"area-{name}").accessibleName() for name in "abc"]
    assert names == ["nửa trái", "Vùng 2", "tam giác"]
    assert canvas_of(kiosk).accessibleName() == "một hình chữ nhật"
    QTest.mouseClick(kiosk.find("clear-answer"), LEFT)
    assert kiosk.response is None
    assert not checked(kiosk, "area-b")


def test_areas_are_where_they_are_drawn_at_every_size(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(Hotspot(SHOWN, AREAS)))
    for size in (TextSize.NORMAL, TextSize.VERY_LARGE):
        kiosk.window.choose_text_size(size)
        kiosk.window.choose_contrast(size is TextSize.VERY_LARGE)
        point_at(kiosk, 60, 17)
        assert kiosk.response == ChoiceResponse(("b",), "hotspot")
        QTest.mouseClick(kiosk.find("clear-answer"), LEFT)


def test_areas_get_numbers_in_the_order_they_are_pressed(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(GraphicOrder(SHOWN, AREAS)))
    for x, y in ((60, 30), (15, 10), (30, 50)):
        point_at(kiosk, x, y)
    assert kiosk.response == OrderResponse(("b", "c", "a"), "graphic_order")
    assert kiosk.find("area-c").accessibleName() == "Vị trí 2/3: tam giác"
    point_at(kiosk, 60, 30)
    assert kiosk.response == OrderResponse(("c", "a"), "graphic_order")
    assert "Trả lời một phần" in kiosk.find("item-1").accessibleName()
    kiosk.restart()
    press(kiosk, Key.Key_Tab, Key.Key_Space)
    assert kiosk.response == OrderResponse(("c", "a", "b"), "graphic_order")


def test_pieces_are_dragged_onto_areas(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(GraphicGapMatch(SHOWN, AREAS, PIECES)))
    piece, canvas = kiosk.find("piece-p"), canvas_of(kiosk)
    end = piece.mapFromGlobal(canvas.mapToGlobal(spot(canvas, 60, 30)))
    QTest.mousePress(piece, LEFT, pos=QPoint(5, 5))
    QTest.mouseMove(piece, (QPoint(5, 5) + end) / 2)
    QTest.mouseMove(piece, end)
    QTest.mouseRelease(piece, LEFT, pos=end)
    assert kiosk.response == PairsResponse((("p", "b"),), "graphic_gap_match")
    assert kiosk.find("area-b").accessibleName() == "Vùng 2: lá"


def test_pieces_by_clicks_as_many_as_an_area_has_room_for(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(GraphicGapMatch(SHOWN, AREAS, PIECES)))
    for name in ("piece-p", "piece-q", "piece-r"):
        QTest.mouseClick(kiosk.find(name), LEFT)
        point_at(kiosk, 60, 30)
    assert kiosk.response == PairsResponse((("q", "b"), ("r", "b")), "graphic_gap_match")
    kiosk.restart()
    assert kiosk.find("area-b").accessibleName() == "Vùng 2: rễ, hoa"
    point_at(kiosk, 60, 30)
    assert kiosk.response == PairsResponse((("q", "b"),), "graphic_gap_match")
    point_at(kiosk, 30, 50)  # nothing lies there
    assert not checked(kiosk, "area-a")
    QTest.mouseClick(kiosk.find("clear-answer"), LEFT)
    assert kiosk.response is None


def test_pieces_onto_areas_by_keys(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(GraphicGapMatch(SHOWN, AREAS, PIECES)))
    press(kiosk, Key.Key_Return, Key.Key_Tab, Key.Key_Tab, Key.Key_Tab, Key.Key_Space)
    assert kiosk.response == PairsResponse((("p", "a"),), "graphic_gap_match")


def test_point_is_set_moved_and_taken_back(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(SelectPoint(SHOWN)))
    point_at(kiosk, 10, 10)
    point_at(kiosk, 70, 50)
    assert isinstance(kiosk.response, PointsResponse)
    [(x, y)] = kiosk.response.points
    assert abs(x - 70) <= 1 and abs(y - 50) <= 1
    kiosk.restart()
    point_at(kiosk, x, y)
    assert kiosk.response is None


def test_points_by_keys(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(SelectPoint(SHOWN, max_points=2)))
    press(kiosk, Key.Key_Left, Key.Key_Up, Key.Key_Return)
    assert kiosk.response == PointsResponse(((30, 20),))
    press(kiosk, *[Key.Key_Right] * 9)
    press(kiosk, Key.Key_Left, modifier=Qt.KeyboardModifier.ShiftModifier)
    press(kiosk, Key.Key_Space)
    assert kiosk.response == PointsResponse(((30, 20), (79, 20)))
    assert canvas_of(kiosk).accessibleDescription() == "Đã chỉ vào (30, 20); (79, 20)"
    QTest.mouseClick(kiosk.find("clear-answer"), LEFT)
    assert kiosk.response is None


SCALE = Slider(Decimal("0.5"), Decimal("2.5"), Decimal("0.25"))


def number(kiosk: Kiosk) -> str:
    label = kiosk.find("slider-number")
    assert isinstance(label, QLabel)
    return label.text()


def test_scale_is_not_answered_before_it_is_touched(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(SCALE))
    assert number(kiosk) == "Chưa chọn"
    press(kiosk, Key.Key_Home)
    assert kiosk.response == SliderResponse("0.50")
    assert number(kiosk) == "0,50"


def test_scale_by_keys_buttons_and_mouse(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(SCALE))
    press(kiosk, Key.Key_Right, Key.Key_Right)
    assert kiosk.response == SliderResponse("1.00")
    QTest.mouseClick(kiosk.find("slider-more"), LEFT)
    assert kiosk.response == SliderResponse("1.25")
    rail = kiosk.find("slider")
    assert isinstance(rail, QSlider)
    QTest.mousePress(rail, LEFT, pos=QPoint(2, rail.height() // 2))
    assert kiosk.response == SliderResponse("0.50")
    QTest.mouseMove(rail, QPoint(rail.width() - 2, rail.height() // 2))
    QTest.mouseRelease(rail, LEFT, pos=QPoint(rail.width() - 2, rail.height() // 2))
    assert kiosk.response == SliderResponse("2.50")
    kiosk.restart()
    assert number(kiosk) == "2,50"
    QTest.mouseClick(kiosk.find("clear-answer"), LEFT)
    assert kiosk.response is None
    assert number(kiosk) == "Chưa chọn"
