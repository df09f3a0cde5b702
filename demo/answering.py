"""How each kind of item is answered by hand. Answers are in words, as the screen shows them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QPlainTextEdit, QSlider

from demo.hands import LEFT, Hands, LostError, Movement, write
from exam_station.ui.items.canvas import AreaMark, PictureCanvas
from exam_station.ui.items.chip import Chip
from exam_station.ui.items.choice import OptionRow
from exam_station.ui.items.cluster import Judgement
from exam_station.ui.items.hot_text import HotContent
from exam_station.ui.items.match import Box
from exam_station.ui.items.order import OrderRow

#: So many rests pass between opening a list and choosing in it: a click sooner is a double click.
LIST_OPENS = 10
#: More steps of a slider than any hand would press.
MOST_STEPS = 60

Answer = Mapping[str, Any]


class Answering:
    """Answers the item that is on the screen."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    def answer(self, given: Answer) -> Movement:
        """The movements for this answer; its `kind` says which."""
        match given["kind"]:
            case "single" | "multiple":
                yield from self._choose(given["options"])
            case "tf_cluster":
                yield from self._judge(given["values"])
            case "numeric":
                self._fill(QLineEdit, "numeric-entry", given["text"])
            case "gap":
                self._fill(QLineEdit, "text-entry", given["text"])
            case "extended":
                self._fill(QPlainTextEdit, "text-page", given["text"])
            case "order":
                yield from self._sort(given["options"])
            case "match":
                for source, target in given["pairs"]:
                    self._hands.click(self._hands.named(Box, f"{source} – {target}"))
                    yield
            case "associate":
                yield from self._couple(given["pairs"])
            case "gap_match":
                yield from self._fill_gaps(given["pairs"])
            case "hot_text":
                yield from self._choose_words(given["options"])
            case "hotspot" | "graphic_order":
                yield from self._press_areas(given["options"])
            case "graphic_gap_match":
                yield from self._lay_on_areas(given["pairs"])
            case "select_point":
                yield from self._point(given["points"])
            case "slider":
                yield from self._slide(given["text"])
            case "composite" | "inline_choice":
                for part in given["parts"]:
                    yield from self._part(part)
            case kind:
                raise LostError(f"no hand knows how to answer {kind}")

    def _choose(self, options: list[str]) -> Movement:
        for words in options:
            self._hands.click(self._hands.named(OptionRow, words))
            yield

    def _judge(self, values: Mapping[str, bool]) -> Movement:
        for words, value in values.items():
            self._hands.click(self._judgement(words, value))
            yield

    def _judgement(self, statement: str, value: bool) -> Judgement:
        found: Judgement = self._hands.one(
            Judgement,
            lambda button: (
                button.accessibleName().endswith(f": {statement}")
                and button.objectName().endswith(str(value).lower())
            ),
        )
        return found

    def _fill(self, kind: type[Any], name: str, text: str) -> None:
        field = self._hands.find(kind, name)
        self._hands.click(field)
        write(field, text)

    def _sort(self, options: list[str]) -> Movement:
        """Each row that does not stand there is dragged before the one that does."""
        for place, words in enumerate(options):
            rows = sorted(self._hands.all(OrderRow), key=lambda row: row.y())
            row = next((row for row in rows if ends_with(row, words)), None)
            if row is None:
                raise LostError(f"no row says {words[:40]}")
            if rows.index(row) != place:
                yield from self._hands.carry(row, rows[place], QPoint(rows[place].width() // 3, 4))
            yield

    def _couple(self, pairs: list[list[str]]) -> Movement:
        for one, other in pairs:
            target = self._piece(other)
            yield from self._hands.carry(self._piece(one), target, target.rect().center())
            yield

    def _piece(self, words: str) -> Chip:
        found: Chip = self._hands.one(
            Chip,
            lambda chip: chip.objectName().startswith("piece-") and chip.accessibleName() == words,
        )
        return found

    def _fill_gaps(self, pairs: list[list[Any]]) -> Movement:
        """Each piece into the gap with that number."""
        for words, number in pairs:
            slot = self._gap(number)
            yield from self._hands.carry(self._piece(words), slot, slot.rect().center())
            yield

    def _gap(self, number: int) -> Chip:
        found: Chip = self._hands.one(
            Chip,
            lambda chip: chip.objectName().startswith("gap-") and numbers_in(chip)[:1] == [number],
        )
        return found

    def _choose_words(self, options: list[str]) -> Movement:
        text = self._hands.one(HotContent, lambda _: True)
        for words in options:
            name = next((n for n, one in text.words.items() if one.accessibleName() == words), None)
            if name is None:
                raise LostError(f"the text has no words {words[:40]}")
            self._hands.click(text, text.rects(name)[0].center().toPoint())
            yield

    def _press_areas(self, names: list[str]) -> Movement:
        for name in names:
            canvas, spot = self._area(name)
            self._hands.click(canvas, spot)
            yield

    def _area(self, name: str) -> tuple[PictureCanvas, QPoint]:
        """Where the picture shows the area of that name."""
        mark = self._hands.one(AreaMark, lambda mark: mark.name == name)
        return self._hands.find(PictureCanvas, "canvas"), mark.geometry().center()

    def _lay_on_areas(self, pairs: list[list[str]]) -> Movement:
        for words, name in pairs:
            canvas, spot = self._area(name)
            yield from self._hands.carry(self._piece(words), canvas, spot)
            yield

    def _point(self, points: list[list[int]]) -> Movement:
        canvas = self._hands.find(PictureCanvas, "canvas")
        for x, y in points:
            self._hands.click(canvas, canvas.on_screen.map(QPointF(x, y)).toPoint())
            yield

    def _slide(self, wanted: str) -> Movement:
        """To the middle by a click, then step by step until the number says it."""
        rail, shown = self._hands.find(QSlider, "slider"), self._hands.find(QLabel, "slider-number")
        self._hands.click(rail, rail.rect().center())
        for _ in range(MOST_STEPS):
            yield
            said, aim = (float(text.replace(",", ".")) for text in (shown.text(), wanted))
            if said == aim:
                return
            self._hands.press("slider-more" if said < aim else "slider-less")
        raise LostError(f"the slider does not come to {wanted}")

    def _part(self, part: Answer) -> Movement:
        """One place of several in a text."""
        match part["kind"]:
            case "single":
                yield from self._choose(part["options"])
            case "gap" | "numeric":
                field = self._at_place(QLineEdit, part["place"])
                self._hands.click(field)
                write(field, part["text"])
                yield
            case "inline_choice":
                yield from self._pull_down(self._at_place(QComboBox, part["place"]), part["option"])

    def _at_place(self, kind: type[Any], place: int) -> Any:
        """The field whose name ends with its place in the text."""
        return self._hands.one(kind, lambda field: numbers_in(field)[1:2] == [place])

    def _pull_down(self, field: QComboBox, words: str) -> Movement:
        """Opens the list and clicks its line. Lines that are drawn say what they are, too."""
        spoken = Qt.ItemDataRole.AccessibleTextRole
        lines = [field.itemData(n, spoken) or field.itemText(n) for n in range(field.count())]
        if words not in lines:
            raise LostError(f"the list has no line {words[:40]}")
        self._hands.click(field)
        yield from resting(LIST_OPENS)
        view = field.view()
        index = field.model().index(lines.index(words), 0)
        QTest.mouseClick(view.viewport(), LEFT, pos=view.visualRect(index).center())
        yield


def ends_with(widget: QAbstractButton, words: str) -> bool:
    return widget.accessibleName().endswith(f": {words}")


def numbers_in(widget: Any) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", widget.accessibleName())]


def resting(ticks: int) -> Iterator[None]:
    for _ in range(ticks):
        yield
