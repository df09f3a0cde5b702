"""Three notes to try a headset with, and what to do where they are not heard."""

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QWidget

from exam_station.loudspeaker import Playback, Stage, check_sound
from exam_station.ui import elements
from exam_station.ui.look import Look

LOOK_MILLISECONDS = 100


class SoundCheck(QWidget):
    """`tried` emits whether there is a device that played them."""

    tried = Signal(bool)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._playback: Playback | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MILLISECONDS)
        self._timer.timeout.connect(self._look_at)
        self._button = elements.button(
            look.texts("sound.check"), "sound-check", self._press, "quiet"
        )
        self._said = elements.label("", "muted", name="sound-check-said")
        line = elements.row(look.theme, self._button, self._said, gap=18)
        line.setStretch(1, 1)
        self.setLayout(line)

    def _press(self) -> None:
        self._halt()
        self._playback = self._look.loudspeaker.play(check_sound())
        self._tell(self._look.texts("sound.checking"))
        self._timer.start()

    def _look_at(self) -> None:
        stage = self._playback.stage if self._playback is not None else Stage.STOPPED
        if stage is Stage.PLAYING:
            return
        self._halt()
        texts, failed = self._look.texts, stage is Stage.FAILED
        self._tell(texts("sound.check_failed") if failed else texts("sound.checked"))
        elements.restyle(self._said, tone="danger" if failed else "")
        self.tried.emit(not failed)

    def _tell(self, words: str) -> None:
        self._said.setText(words)
        self._said.setAccessibleName(words)

    def _halt(self) -> None:
        self._timer.stop()
        playback, self._playback = self._playback, None
        if playback is not None:
            playback.stop()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        self._halt()
        super().hideEvent(event)
