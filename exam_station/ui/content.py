"""Content of items on the screen: the XHTML fragments of `question_bank.content` as a widget.

Qt's own rich text lays out words, lists and tables; formulas and pictures are inline objects
(`inline_objects`), measured and drawn as vectors, so that they stay sharp on every screen.
"""

from collections.abc import Mapping
from typing import cast

from lxml import etree
from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextBlock,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextLine,
    QTextOption,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from exam_station.ui.formula import FormulaError, formula
from exam_station.ui.inline_objects import Hole, InlineObjects, Placed, picture
from exam_station.ui.sound_player import SoundShelf
from exam_station.ui.theme import Theme
from question_bank.content import parse, plain_text
from question_bank.item import Media

CONTENT_SIZE = 25.0
LINE_HEIGHT_PERCENT = 125
FIGURE = "figure"
OBJECT = "\N{OBJECT REPLACEMENT CHARACTER}"


class ContentView(QWidget):
    """A piece of content that is as high as its text needs at a given width. `holes` are widgets
    by the `data-part` where they stand, `sounds` gives the players; without them it is
    read-only."""

    def __init__(
        self,
        fragment: str,
        theme: Theme,
        media: Mapping[str, Media],
        parent: QWidget | None = None,
        *,
        size: float = CONTENT_SIZE,
        holes: Mapping[str, QWidget] | None = None,
        sounds: SoundShelf | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._widgets = dict(holes or {})
        self._sounds = sounds
        self._document = QTextDocument(self)
        self._document.setDocumentMargin(0)
        self._document.setDefaultFont(theme.font(size, content=True))
        self._document.setDefaultTextOption(_wrapping())
        self._objects = InlineObjects(self)
        image = QTextFormat.ObjectTypes.ImageObject.value
        self._document.documentLayout().registerHandler(image, self._objects)
        self._document.setHtml(self._html(fragment, media))
        self._holes = self._find_holes()
        self._hole_sizes: list[tuple[int, int]] = []
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not self._widgets)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(plain_text(fragment))

    @property
    def text(self) -> str:
        """The words as laid out; an object character stands for each formula and picture."""
        return self._document.toPlainText()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        self._lay_out(-1)
        width = min(self._document.idealWidth() + 1, self._theme.px(1200))
        return QSize(int(width) + 1, self.heightForWidth(int(width) + 1))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(self._theme.px(60), self._theme.text_px(CONTENT_SIZE))

    def heightForWidth(self, width: int) -> int:  # noqa: N802 (Qt's name)
        self._lay_out(width)
        return int(self._document.size().height()) + 1

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        self._place_holes()

    def event(self, event: QEvent) -> bool:
        """A widget in the text that changed its size has the text laid out again."""
        if event.type() == QEvent.Type.LayoutRequest and self._holes:
            self.updateGeometry()
            self._place_holes()
        return super().event(event)

    def _lay_out(self, width: float) -> None:
        self._document.setTextWidth(width)
        sizes = [hole.size(width) for hole in self._holes.values()]
        if sizes != self._hole_sizes:
            self._hole_sizes = sizes
            self._document.markContentsDirty(0, self._document.characterCount())

    def _find_holes(self) -> dict[int, Hole]:
        """The widgets by their position in the text."""
        found: dict[int, Hole] = {}
        cursor = QTextCursor(self._document)
        for position in range(self._document.characterCount() if self._widgets else 0):
            if self._document.characterAt(position) == OBJECT:
                cursor.setPosition(position + 1)
                hole = self._objects.hole(cursor.charFormat().toImageFormat().name())
                if hole is not None:
                    found[position] = hole
        return found

    def _place_holes(self) -> None:
        if not self._holes:
            return
        self._lay_out(self.width())
        for position, hole in self._holes.items():
            block = self._document.findBlock(position)
            corner, within = self.corner_of(block), position - block.position()
            line = block.layout().lineForTextPosition(within)
            placed = hole.placed(self._document).at_most(self.width())
            left = corner.x() + self.x_of(line, within)
            top = corner.y() + line.y() + line.ascent() - placed.ascent
            width, height = hole.size(self.width())
            hole.widget.setGeometry(round(left), round(top), width, height)

    def corner_of(self, block: QTextBlock) -> QPointF:
        """The corner of a paragraph in the widget, which its lines' measures begin at."""
        corner = self._document.documentLayout().blockBoundingRect(block).topLeft()
        return corner + QPointF(0, self._above)

    def x_of(self, line: QTextLine, position: int) -> float:
        """How far from its paragraph's left edge a position of the line is."""
        x, _ = cast(tuple[float, int], line.cursorToX(position))
        return x

    @property
    def _above(self) -> float:
        """What room is shared out above the text."""
        return (self.height() - self._bottom_of_letters()) / 2

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        self._lay_out(self.width())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(0, self._above)
        context = QAbstractTextDocumentLayout.PaintContext()
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Text, self._theme.color("ink"))
        context.palette = palette
        self._document.documentLayout().draw(painter, context)
        painter.end()

    def _bottom_of_letters(self) -> float:
        """Where the last line's letters end. A proportional line height puts all its extra room
        below them; `paintEvent` shares it evenly."""
        block = self._document.lastBlock()
        top = self._document.documentLayout().blockBoundingRect(block).top()
        lines = block.layout().lineCount()
        if lines == 0:
            return self._document.size().height()
        line = block.layout().lineAt(lines - 1)
        return top + line.y() + line.ascent() + line.descent()

    def _html(self, fragment: str, media: Mapping[str, Media]) -> str:
        root = parse(fragment)
        for element in [e for e in root.iter() if isinstance(e.tag, str)]:
            match etree.QName(element).localname:
                case "math":
                    self._place_formula(element)
                case "img":
                    self._place_picture(element, media)
                case "audio":
                    self._place_sound(element, media)
                case "table":
                    self._draw_borders(element)
                case "span" | "div" if element.get("data-part") in self._widgets:
                    self._place_hole(element)
                case "span" if element.get("data-part"):
                    self.mark_part(element)
        _centre_figures(root)
        for block in (root, *root.iter("p", "li", "blockquote", "td", "th")):
            if block.get("style") is None:  # Qt does not hand it down
                block.set("style", f"line-height:{LINE_HEIGHT_PERCENT}%")
        return str(etree.tostring(root, method="html", encoding="unicode"))

    def _place_formula(self, element: etree._Element) -> None:
        mathml = etree.tostring(element, encoding="unicode", with_tail=False)
        tail, latex, display = element.tail, element.get("alttext", ""), element.get("display")
        words = latex or "".join(str(text) for text in element.itertext())
        try:
            drawn = formula(str(mathml), self._theme.palette.ink)
        except FormulaError:
            _become(element, "code", tail)
            element.text = words
            return
        font = self._document.defaultFont()
        em = font.pixelSize()
        # What hangs no deeper than letters do stands on the baseline and costs no extra height.
        centred = drawn.descent * em > QFontMetricsF(font).descent() * 1.3
        placed = Placed(
            drawn.drawing, drawn.width * em, drawn.ascent * em, drawn.descent * em, centred
        )
        _become(element, "img", tail)
        element.set("src", self._objects.add(placed))
        if centred:
            element.set("style", "vertical-align:middle")
        if display == "block":
            element.set("class", FIGURE)

    def _place_picture(self, element: etree._Element, media: Mapping[str, Media]) -> None:
        found = media.get(element.get("src", "").removeprefix("media:"))
        shown = picture(found) if found else None
        tail, words = element.tail, element.get("alt", "")
        width = element.get("width")
        if shown is None:
            _become(element, "em", tail)
            element.text = f"[{words}]"
            return
        drawing, natural = shown
        factor = self._theme.scale * self._theme.text_size.value
        wide = float(width) if width else natural.width()
        high = natural.height() * wide / max(1.0, natural.width())
        _become(element, "img", tail)
        # Figures are drawn for white paper, also where the screen is black.
        white = self._theme.high_contrast
        placed = Placed(drawing, wide * factor, high * factor, 0.0, centred=False, on_white=white)
        element.set("src", self._objects.add(placed))
        element.set("class", FIGURE)

    def _place_sound(self, element: etree._Element, media: Mapping[str, Media]) -> None:
        name, words = element.get("src", "").removeprefix("media:"), element.get("title", "")
        found = media.get(name)
        if found is None or self._sounds is None:
            _become(element, "em", element.tail)
            element.text = f"[{words}]"
            return
        plays = int(element.get("data-plays", "0"))
        key = f"{name} {len(self._widgets)}"
        self._widgets[key] = self._sounds.player(found, plays=plays, title=words)
        parent = element.getparent()
        element.tag = "div" if parent is not None and parent.tag == "div" else "span"
        element.set("data-part", key)
        self._place_hole(element)

    def mark_part(self, element: etree._Element) -> None:
        """Called for the words of a part that no widget stands for."""

    def _place_hole(self, element: etree._Element) -> None:
        widget = self._widgets[str(element.get("data-part"))]
        widget.setParent(self)
        hole, block, tail = Hole(widget), element.tag == "div", element.tail
        _become(element, "p" if block else "img", tail)
        image = etree.SubElement(element, "img") if block else element
        image.set("src", self._objects.add(hole))
        image.set("style", "vertical-align:middle")
        if not hole.in_line:  # no room is shared out below what is as high as a page
            for paragraph in (element, *element.iterancestors("p")):
                if paragraph.tag == "p":
                    paragraph.set("style", "line-height:100%")

    def _draw_borders(self, table: etree._Element) -> None:
        padding = str(self._theme.px(9))
        gap = self._theme.px(14)
        style = (
            f"border-collapse:collapse;border-color:{self._theme.palette.muted};"
            f"margin-top:{gap}px;margin-bottom:{gap}px"
        )
        marks = {"border": "1", "cellspacing": "0", "cellpadding": padding, "style": style}
        for name, value in marks.items():
            table.set(name, value)
        for cell in table.iter("td", "th"):
            cell.set("valign", "middle")


def _wrapping() -> QTextOption:
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    return option


def _become(element: etree._Element, tag: str, tail: str | None) -> None:
    """Turns the element into an empty one of another name in the same place."""
    element.clear()
    element.tag = tag
    element.tail = tail


def _centre_figures(root: etree._Element) -> None:
    """A paragraph that holds a picture or a displayed formula and nothing else is centred."""
    for paragraph in root.iterdescendants("p", "div"):
        words = (paragraph.text or "") + "".join(child.tail or "" for child in paragraph)
        figures = [child for child in paragraph if child.get("class") == FIGURE]
        if len(paragraph) == len(figures) == 1 and not words.strip():
            paragraph.set("align", "center")
