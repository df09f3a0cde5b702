"""Formulas, pictures and tables on the screen."""

import pytest
from kiosk_stage import HALF, MATH, SVG
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from exam_station.ui.content import ContentView
from exam_station.ui.formula import FormulaError, formula
from exam_station.ui.inline_objects import picture
from exam_station.ui.theme import TextSize, Theme
from question_bank.item import Media

INK = "#15252E"


def drawn(view: ContentView, width: int = 400) -> QImage:
    view.resize(width, view.heightForWidth(width))
    image = QImage(view.size(), QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    view.render(image)
    return image


def ink_rows(image: QImage) -> list[int]:
    """The rows with anything darker than half grey."""
    columns = range(image.width())
    return [
        y
        for y in range(image.height())
        if any(image.pixelColor(x, y).lightness() < 128 for x in columns)
    ]


def test_formula_is_drawn_with_measures_around_its_baseline(qtbot: QtBot) -> None:
    half = formula(HALF, INK)
    assert half.drawing.isValid()
    assert 0.3 < half.width < 1.5
    assert 0.8 < half.ascent < 2.0
    assert 0.3 < half.descent < 1.5
    image = QImage(60, 120, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    half.drawing.render(painter)
    painter.end()
    assert len(ink_rows(image)) > 40


def test_formulas_are_made_once(qtbot: QtBot) -> None:
    assert formula(HALF, INK) is formula(HALF, INK)


def test_hyphen_in_an_operator_does_not_swallow_the_formula(qtbot: QtBot) -> None:
    inner = "<mi>y</mi><mo>=</mo><mi>x</mi><mo>-</mo><mn>1</mn>"
    long = formula(f"<math {MATH}>{inner}</math>", INK)
    short = formula(f"<math {MATH}><mi>y</mi></math>", INK)
    assert long.width > 4 * short.width


def test_sign_after_an_operator_stands_close(qtbot: QtBot) -> None:
    """`x = −3` has the room of one operator, `x = 3 − 3` that of two."""

    def width(inner: str) -> float:
        return formula(f"<math {MATH}>{inner}</math>", INK).width

    minus = "<mo>-</mo><mn>3</mn>"
    unary = width(f"<mi>x</mi><mo>=</mo>{minus}") - width("<mi>x</mi><mo>=</mo><mn>3</mn>")
    binary = width(f"<mi>x</mi>{minus}") - width("<mi>x</mi><mn>3</mn>")
    assert 0 < unary < 0.75 * binary


@pytest.mark.parametrize("mathml", ["<math", "<math><mfrac/></math>", "<math></math>"])
def test_what_cannot_be_drawn_is_a_typed_error(qtbot: QtBot, mathml: str) -> None:
    with pytest.raises(FormulaError):
        formula(mathml, INK)


def test_broken_formula_shows_its_latex_instead(qtbot: QtBot) -> None:
    view = ContentView(f'<p><math {MATH} alttext="x^2"><mfrac/></math></p>', Theme(), {})
    qtbot.addWidget(view)
    assert "x^2" in view.text
    assert ink_rows(drawn(view))


def test_accessible_name_has_words_and_latex(qtbot: QtBot) -> None:
    view = ContentView(f"<p>Tính {HALF} nhé</p>", Theme(), {})
    qtbot.addWidget(view)
    assert view.accessibleName() == r"Tính $\frac{1}{2}$ nhé"


def test_fraction_stands_around_the_line_of_text(qtbot: QtBot) -> None:
    """The bar of a fraction lies near the middle of small letters."""
    view = ContentView(f"<p>{HALF}</p>", Theme(), {})
    qtbot.addWidget(view)
    image = drawn(view, 200)
    dark = {
        y: sum(image.pixelColor(x, y).lightness() < 128 for x in range(image.width()))
        for y in ink_rows(image)
    }
    bar = max(dark, key=lambda y: dark[y])
    rows = ink_rows(image)
    assert rows[0] < bar < rows[-1]
    assert abs((bar - rows[0]) - (rows[-1] - bar)) < 0.25 * (rows[-1] - rows[0])


def test_taller_content_takes_more_height(qtbot: QtBot) -> None:
    words = "một hai ba bốn năm sáu bảy tám chín mười " * 5
    view = ContentView(f"<p>{words}</p>", Theme(), {})
    qtbot.addWidget(view)
    assert view.heightForWidth(300) > 2 * view.heightForWidth(1200)
    large = ContentView(f"<p>{words}</p>", Theme(text_size=TextSize.VERY_LARGE), {})
    qtbot.addWidget(large)
    assert large.heightForWidth(600) > view.heightForWidth(600)


def test_pictures_are_drawn_and_never_wider_than_the_text(qtbot: QtBot) -> None:
    media = {"a": Media("a", "image/svg+xml", SVG)}
    view = ContentView('<p><img src="media:a" alt="x" width="300"/></p>', Theme(), media)
    qtbot.addWidget(view)
    image = drawn(view, 100)
    blue = [
        x
        for x in range(100)
        if image.pixelColor(x, 20).blue() > 150 > image.pixelColor(x, 20).red()
    ]
    assert len(blue) > 90


def test_bytes_that_are_no_picture_leave_the_description(qtbot: QtBot) -> None:
    broken = Media("a", "image/png", b"nothing")
    assert picture(broken) is None
    view = ContentView('<p><img src="media:a" alt="đồ thị"/></p>', Theme(), {"a": broken})
    qtbot.addWidget(view)
    assert "[đồ thị]" in view.text


def test_tables_have_borders(qtbot: QtBot) -> None:
    table = "<table><tr><td>một</td><td>hai</td></tr><tr><td>ba</td><td>bốn</td></tr></table>"
    view = ContentView(table, Theme(), {})
    qtbot.addWidget(view)
    image = drawn(view)
    lines = [
        y
        for y in range(image.height())
        if sum(image.pixelColor(x, y).lightness() < 200 for x in range(60)) > 50
    ]
    assert len(lines) >= 3


def test_figures_lie_on_white_where_the_screen_is_black(qtbot: QtBot) -> None:
    clear = SVG.replace(b'width="80" height="60" fill', b'width="8" height="6" fill')
    media = {"a": Media("a", "image/svg+xml", clear)}
    view = ContentView('<p><img src="media:a" alt="x"/></p>', Theme(high_contrast=True), media)
    qtbot.addWidget(view)
    view.resize(80, view.heightForWidth(80))
    image = QImage(view.size(), QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    view.render(image)
    assert image.pixelColor(60, 40).lightness() > 250
