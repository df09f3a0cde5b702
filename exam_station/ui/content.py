"""Content of items on the screen: the XHTML fragments of `question_bank.content` as a widget.

Qt's own rich text lays out words, lists and tables; formulas and pictures are inline objects
that this module measures and draws as vectors, so that they stay sharp on every screen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from lxml import etree
from PySide6.QtCore import QByteArray, QObject, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QFontMetricsF,
    QImage,
    QPainter,
    QPaintEvent,
    QPalette,
    QPyTextObject,
    QTextDocument,
    QTextFormat,
    QTextOption,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

from exam_station.ui.formula import FormulaError, formula
from exam_station.ui.theme import Theme
from question_bank.content import parse, plain_text
from question_bank.item import Media

CONTENT_SIZE = 25.0
LINE_HEIGHT_PERCENT = 125
FIGURE = "figure"

Drawing = QImage | QSvgRenderer


@lru_cache(maxsize=256)
def picture(media: Media) -> tuple[Drawing, QSizeF] | None:
    """The picture and its natural size in reference pixels, or None where its bytes are none."""
    if media.mime == "image/svg+xml":
        drawing = QSvgRenderer(QByteArray(media.data))
        return (drawing, QSizeF(drawing.defaultSize())) if drawing.isValid() else None
    image = QImage.fromData(media.data)
    return None if image.isNull() else (image, QSizeF(image.size()))


@dataclass(frozen=True, slots=True)
class Placed:
    """An inline object in pixels, measured from the baseline.

    Qt knows two positions: standing on the baseline, or centred half an x-height above it. What
    hangs deeper than the text's own descent is centred, in a box just large enough to put its
    baseline where the text has its own.
    """

    source: Drawing
    width: float
    ascent: float
    descent: float
    centred: bool
    on_white: bool = False

    def at_most(self, width: float) -> "Placed":
        """The same, reduced to `width` where it is wider."""
        if width <= 0 or self.width <= width:
            return self
        factor = width / self.width
        return replace(
            self, width=width, ascent=self.ascent * factor, descent=self.descent * factor
        )

    def box_ascent(self, half_x: float) -> float:
        """How far the box that Qt is told of reaches above the baseline."""
        return max(self.ascent, self.descent + half_x) if self.centred else self.ascent

    def box_height(self, half_x: float) -> float:
        """QTextDocumentLayout centres a height h so that its ascent is (h + half_x) / 2."""
        return 2 * self.box_ascent(half_x) - half_x if self.centred else self.ascent


class InlineObjects(QPyTextObject):
    """Measures and draws the formulas and pictures of one document; images name them by number."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._placed: list[Placed] = []

    def add(self, placed: Placed) -> str:
        """The image name under which the document refers to `placed`."""
        self._placed.append(placed)
        return str(len(self._placed) - 1)

    def _find(self, document: QTextDocument, style: QTextFormat) -> Placed:
        return self._placed[int(style.toImageFormat().name())].at_most(document.textWidth())

    def intrinsicSize(  # noqa: N802 (Qt's name)
        self,
        doc: QTextDocument,
        posInDocument: int,  # noqa: ARG002, N803 (Qt's)
        format: QTextFormat,
    ) -> QSizeF:
        placed = self._find(doc, format)
        return QSizeF(placed.width, placed.box_height(_half_x(doc)))

    def drawObject(  # noqa: N802 (Qt's name)
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        doc: QTextDocument,
        posInDocument: int,  # noqa: ARG002, N803 (Qt's)
        format: QTextFormat,
    ) -> None:
        placed = self._find(doc, format)
        baseline = rect.top() + placed.box_ascent(_half_x(doc))
        height = placed.ascent + placed.descent
        target = QRectF(rect.left(), baseline - placed.ascent, placed.width, height)
        if placed.on_white:
            painter.fillRect(target, Qt.GlobalColor.white)
        if isinstance(placed.source, QSvgRenderer):
            placed.source.render(painter, target)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(target, placed.source)


def _half_x(document: QTextDocument) -> float:
    return QFontMetricsF(document.defaultFont()).xHeight() / 2


class ContentView(QWidget):
    """A read-only piece of content that is as high as its text needs at a given width."""

    def __init__(
        self,
        fragment: str,
        theme: Theme,
        media: Mapping[str, Media],
        parent: QWidget | None = None,
        *,
        size: float = CONTENT_SIZE,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._document = QTextDocument(self)
        self._document.setDocumentMargin(0)
        self._document.setDefaultFont(theme.font(size, content=True))
        self._document.setDefaultTextOption(_wrapping())
        self._objects = InlineObjects(self)
        image = QTextFormat.ObjectTypes.ImageObject.value
        self._document.documentLayout().registerHandler(image, self._objects)
        self._document.setHtml(self._html(fragment, media))
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(plain_text(fragment))

    @property
    def text(self) -> str:
        """The words as laid out; an object character stands for each formula and picture."""
        return self._document.toPlainText()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        self._document.setTextWidth(-1)
        width = min(self._document.idealWidth() + 1, self._theme.px(1200))
        return QSize(int(width) + 1, self.heightForWidth(int(width) + 1))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(self._theme.px(60), self._theme.text_px(CONTENT_SIZE))

    def heightForWidth(self, width: int) -> int:  # noqa: N802 (Qt's name)
        self._document.setTextWidth(width)
        return int(self._document.size().height()) + 1

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        self._document.setTextWidth(self.width())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(0, (self.height() - self._bottom_of_letters()) / 2)
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
                case "table":
                    self._draw_borders(element)
        _centre_figures(root)
        root.set("style", f"line-height:{LINE_HEIGHT_PERCENT}%")
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

    def _draw_borders(self, table: etree._Element) -> None:
        padding = str(self._theme.px(9))
        style = f"border-collapse:collapse;border-color:{self._theme.palette.muted}"
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
