"""The camera looks: the live picture beside the chip's, a hint in words, the pictures taken."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLayout, QWidget

from exam_station.face.policy import WANTED_PICTURES
from exam_station.flow.screens import Face, Frame
from exam_station.flow.states import Status
from exam_station.ui.elements import column, fitted, label, notice, one_line, portrait, row
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView
from exam_station.ui.theme import Theme

PICTURES = WANTED_PICTURES
PREVIEW = QSize(560, 420)


class Preview(QWidget):
    """The camera's picture as in a mirror, with an oval for the head."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._image = QImage()
        self.setFixedSize(theme.px(PREVIEW.width()), theme.px(PREVIEW.height()))

    def show_frame(self, frame: Frame | None) -> None:
        self._image = QImage() if frame is None else _image(frame)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, px = self._theme.color, self._theme.px
        painter.fillRect(self.rect(), color("primary_deep"))
        if not self._image.isNull():
            mirrored = self._image.flipped(Qt.Orientation.Horizontal)
            painter.drawPixmap(0, 0, fitted(mirrored, self.width(), self.height()))
        height = self.height() * 0.84
        oval = QRectF(0, 0, height * 0.74, height)
        oval.moveCenter(QRectF(self.rect()).center())
        painter.setPen(QPen(Qt.GlobalColor.white, px(4), Qt.PenStyle.DashLine))
        painter.drawEllipse(oval)
        painter.end()


def _image(frame: Frame) -> QImage:
    image = QImage(
        frame.rgb, frame.width, frame.height, 3 * frame.width, QImage.Format.Format_RGB888
    )
    return image.copy()  # QImage does not keep the bytes alive


class Taken(QWidget):
    """As many dots as pictures are needed, filled as they are taken."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.count = 0
        self.setFixedSize(theme.px(34 * PICTURES), theme.px(26))

    def set_count(self, count: int) -> None:
        self.count = min(count, PICTURES)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        px, color = self._theme.px, self._theme.color
        for place in range(PICTURES):
            taken = place < self.count
            painter.setPen(QPen(color("good" if taken else "muted"), px(2)))
            painter.setBrush(color("good" if taken else "surface"))
            painter.drawEllipse(QRectF(px(34 * place + 4), px(3), px(20), px(20)))
        painter.end()


class FaceView(StageView[Face]):
    scene = Scene.FACE

    def compose(self, screen: Face) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        self._preview = Preview(theme)
        self._preview.setAccessibleName(texts("face.live"))
        self._taken = Taken(theme)
        self._count = label("", "muted", name="face-progress")
        self._hint = label("", "heading", tone="primary", name="face-hint")
        self._frame: Frame | None = None
        from_chip = column(
            theme,
            one_line(texts("face.from_chip"), "small"),
            portrait(theme, screen.reading.portrait, 236),
            None,
            gap=8,
        )
        live = column(theme, one_line(texts("face.live"), "small"), self._preview, None, gap=8)
        return column(
            theme,
            label(screen.candidate.name, "overline"),
            label(texts("face.title"), "title"),
            row(theme, live, from_chip, None, gap=28),
            self._hint,
            row(theme, self._taken, self._count, gap=14),
            label(texts("face.keep_card"), "muted"),
            notice(theme, texts("face.no_liveness"), name="liveness-notice"),
            gap=18,
        )

    def needs_composing(self, screen: Face) -> bool:
        return self.shown is None or (self.shown.reading, self.shown.tries) != (
            screen.reading,
            screen.tries,
        )

    def refresh(self, screen: Face, _status: Status) -> None:
        texts = self.look.texts
        if screen.frame is not None and screen.frame is not self._frame:
            self._frame = screen.frame
            self._preview.show_frame(screen.frame)
        self._taken.set_count(screen.pictures)
        hint = texts.of("hint", screen.hint) if screen.hint else texts("face.look")
        self._hint.setText(hint)
        progress = texts("face.taken", count=screen.pictures, total=PICTURES)
        again = texts("face.second_try") if screen.tries > 1 else ""
        self._count.setText(f"{progress} {again}".strip())
