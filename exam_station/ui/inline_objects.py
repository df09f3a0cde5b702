"""What stands in a line of text and is no letter: drawings with a baseline, and other widgets."""

from dataclasses import dataclass, replace
from functools import lru_cache

from PySide6.QtCore import QByteArray, QObject, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QFontMetricsF,
    QImage,
    QPainter,
    QPyTextObject,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

from question_bank.item import Media

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

    source: Drawing | None
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


@dataclass(frozen=True, slots=True)
class Hole:
    """A widget that stands in the text: one of fixed width as a word does, others on a line of
    their own, as high as they need."""

    widget: QWidget

    @property
    def in_line(self) -> bool:
        return self.widget.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Fixed

    def size(self, text_width: float) -> tuple[int, int]:
        """Width and height in a text of that width."""
        hint = self.widget.sizeHint().expandedTo(self.widget.minimumSize())
        hint = hint.boundedTo(self.widget.maximumSize())
        if self.in_line or text_width <= 0:
            return hint.width(), hint.height()
        width = int(text_width)
        tall = self.widget.hasHeightForWidth()
        return width, self.widget.heightForWidth(width) if tall else hint.height()

    def placed(self, document: QTextDocument) -> Placed:
        """Its middle is where the middle of capital letters is."""
        width, height = self.size(document.textWidth())
        ascent = (height + QFontMetricsF(document.defaultFont()).capHeight()) / 2
        return Placed(None, width, ascent, height - ascent, centred=True)


class InlineObjects(QPyTextObject):
    """Measures the formulas, pictures and widgets of one document, which images name by number,
    and draws the former two."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._placed: list[Placed | Hole] = []

    def add(self, placed: Placed | Hole) -> str:
        """The image name under which the document refers to `placed`."""
        self._placed.append(placed)
        return str(len(self._placed) - 1)

    def hole(self, name: str) -> Hole | None:
        """The widget of that image name."""
        found = self._placed[int(name)]
        return found if isinstance(found, Hole) else None

    def _find(self, document: QTextDocument, style: QTextFormat) -> Placed:
        found = self._placed[int(style.toImageFormat().name())]
        placed = found.placed(document) if isinstance(found, Hole) else found
        return placed.at_most(document.textWidth())

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
        if placed.source is None:
            return
        if isinstance(placed.source, QSvgRenderer):
            placed.source.render(painter, target)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(target, placed.source)


def _half_x(document: QTextDocument) -> float:
    return QFontMetricsF(document.defaultFont()).xHeight() / 2
