"""A sound in a text: to play and pause, where it is, how loud, and how often it may be heard yet.

Where it may be heard so often, the journal counts: a play begins only when it stands there, what
broke off goes on from the last place that was written, and there is no way back within a play.
"""

from functools import lru_cache

from PySide6.QtCore import QObject, QSize, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from exam_server.contract.records import Heard
from exam_station.loudspeaker import Playback, Stage
from exam_station.ui import elements
from exam_station.ui.items.slider import Rail
from exam_station.ui.look import Look
from question_bank.errors import FileRefusedError
from question_bank.item import Media
from question_bank.sounds import facts_of

#: How often it is looked how far a sound is, and written down.
LOOK_MILLISECONDS = 100
WRITTEN_MILLISECONDS = 10_000
STEPS = 1000
VOLUME_STEP = 0.1
#: What is shorter than this from the end counts as heard to the end.
NEARLY = 250


@lru_cache(maxsize=64)
def length_of(media: Media) -> int:
    """Milliseconds; 0 where it cannot be played."""
    try:
        return round(facts_of(media.data).seconds * 1000)
    except FileRefusedError:
        return 0


def clock(milliseconds: int) -> str:
    """Minutes and seconds."""
    return f"{milliseconds // 60_000}:{milliseconds // 1000 % 60:02}"


class SoundPlayer(QWidget):
    """`heard` emits (play, milliseconds) where plays are counted; `began` when it starts;
    `tried` whether there is a device that plays."""

    heard = Signal(int, int)
    began = Signal()
    tried = Signal(bool)

    def __init__(self, media: Media, look: Look, *, plays: int = 0, title: str = "") -> None:
        super().__init__()
        self.media, self.plays, self._look = media, plays, look
        self._length = length_of(media)
        self._told: Heard | None = None
        self._at = self._written = 0
        self._playback: Playback | None = None
        self._wants = self._begun = 0
        self._told_works: bool | None = None
        self._failed = self._length == 0
        self.setObjectName("sound-player")
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MILLISECONDS)
        self._timer.timeout.connect(self._look_at)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        self._build(title or look.texts("sound.title"))
        self._show()

    def _build(self, title: str) -> None:
        theme, texts = self._look.theme, self._look.texts
        self._button = elements.button("", "sound-play", self.press, "primary")
        self._rail = Rail(STEPS, theme)
        self._rail.setObjectName("sound-rail")
        self._rail.setProperty("told", True)
        self._rail.touched.connect(self._seek)
        self._rail.setEnabled(not self.plays)
        self._time = elements.one_line("", "strong", name="sound-time")
        self._left = elements.label("", "muted", name="sound-left")
        self._volume = elements.one_line("", "muted", name="sound-volume")
        softer = elements.button(
            "\N{MINUS SIGN}", "sound-softer", lambda: self._louder(-VOLUME_STEP)
        )
        louder = elements.button("+", "sound-louder", lambda: self._louder(VOLUME_STEP))
        softer.setAccessibleName(texts("sound.softer"))
        louder.setAccessibleName(texts("sound.louder"))
        self.controls = [self._button, self._rail, softer, louder]
        self._trouble = elements.notice(
            theme, texts("sound.failed"), tone="danger", name="sound-failed"
        )
        top = elements.row(theme, elements.label(title, "strong", name="sound-title"), self._time)
        top.setStretch(0, 1)
        middle = elements.row(theme, self._button, self._rail, gap=18)
        middle.setStretch(1, 1)
        bottom = elements.row(theme, self._left, softer, self._volume, louder, gap=10)
        bottom.setStretch(0, 1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, theme.px(8), 0, theme.px(8))
        self._column.addWidget(elements.card(theme, top, middle, bottom, self._trouble))

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(self._look.theme.px(640), self._column.sizeHint().height())

    @property
    def is_playing(self) -> bool:
        return self._playback is not None

    @property
    def used(self) -> int:
        """The plays that were begun."""
        return self._told.play if self._told is not None else 0

    @property
    def _unfinished(self) -> bool:
        return self.used > 0 and self._at < self._length - NEARLY

    def agree(self, told: Heard | None) -> None:
        """What the journal says of this sound; the play that was asked for begins when it is
        there."""
        before, self._told = self._told, told
        if told != before and not self.is_playing:
            self._at = self._written = told.at if told is not None else 0
        if told is not None and self._wants == told.play:
            self._wants = 0
            self._start()
        self._show()

    def follow(self, other: "SoundPlayer") -> None:
        """Begins where the same play stands in another player: the journal may not tell it yet."""
        same = self.plays and other.media.id == self.media.id and other.used == self.used
        if same and other._at > self._at:
            self._at, self._written = other._at, max(self._written, other._written)

    def press(self) -> None:
        """Plays, or pauses."""
        if self.is_playing:
            self.pause()
        elif not self.plays:
            self._at = 0 if self._at >= self._length - NEARLY else self._at
            self._start()
        elif self._unfinished:
            self._start()
        elif self.used < self.plays:
            self._wants = self.used + 1
            self.heard.emit(self._wants, 0)

    def pause(self) -> None:
        """Stops where it is, and writes that down."""
        self._halt()
        self._write()
        self._show()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """What is not to be seen is not to be heard."""
        if self.is_playing:
            self.pause()
        super().hideEvent(event)

    def _start(self) -> None:
        self.began.emit()
        self._failed = False
        self._begun = self._at
        self._playback = self._look.loudspeaker.play(self.media.data, at=self._at / 1000)
        self._timer.start()
        self._show()

    def _halt(self) -> None:
        self._timer.stop()
        playback, self._playback = self._playback, None
        if playback is not None:
            self._at = max(self._at, min(self._length, round(playback.position * 1000)))
            playback.stop()

    def _look_at(self) -> None:
        playback = self._playback
        if playback is None:
            return
        stage = playback.stage
        if stage is Stage.PLAYING:
            self._at = max(self._at, min(self._length, round(playback.position * 1000)))
            if playback.position * 1000 > self._begun:
                self._works(True)
            if self._at - self._written >= WRITTEN_MILLISECONDS:
                self._write()
        else:
            self._halt()
            self._at = self._length if stage is Stage.ENDED else self._at
            self._works(stage is not Stage.FAILED)
            self._write()
        self._show()

    def _works(self, works: bool) -> None:
        self._failed = not works
        if self._told_works != works:
            self._told_works = works
            self.tried.emit(works)

    def _write(self) -> None:
        """Only what is counted is written."""
        if self.plays and self.used and self._at > self._written:
            self._written = self._at
            self.heard.emit(self.used, self._at)

    def _seek(self) -> None:
        if self.plays:
            return
        playing = self.is_playing
        self._halt()
        self._at = self._length * self._rail.value() // STEPS
        if playing:
            self._start()
        self._show()

    def _louder(self, by: float) -> None:
        speaker = self._look.loudspeaker
        speaker.volume = min(1.0, max(0.0, round(speaker.volume + by, 1)))
        self._show()

    def _show(self) -> None:
        texts = self._look.texts
        over = bool(self.plays) and self.used >= self.plays and not self._unfinished
        begun = self._unfinished if self.plays else 0 < self._at < self._length - NEARLY
        way_on = texts("sound.again") if self._at else texts("sound.play")
        way_on = texts("sound.go_on") if begun else way_on
        self._button.setText(texts("sound.pause") if self.is_playing else way_on)
        self._button.setAccessibleName(self._button.text())
        self._button.setEnabled(self._length > 0 and (self.is_playing or not over))
        self._time.setText(f"{clock(self._at)} / {clock(self._length)}")
        self._rail.setValue(self._at * STEPS // max(1, self._length))
        said = texts("sound.position", at=clock(self._at), length=clock(self._length))
        self._rail.setAccessibleName(said)
        percent = round(self._look.loudspeaker.volume * 100)
        self._volume.setText(texts("sound.volume", percent=percent))
        self._left.setText(self._said_of_plays(over))
        hidden = not self._failed
        if self._trouble.isHidden() != hidden:
            self._trouble.setHidden(hidden)
            self.updateGeometry()

    def _said_of_plays(self, over: bool) -> str:
        texts = self._look.texts
        if not self.plays:
            return texts("sound.any")
        if over and not self.is_playing:
            return texts("sound.none_left")
        if self.used:
            return texts("sound.nth", number=self.used, of=self.plays)
        return texts("sound.may", count=self.plays)


class SoundShelf(QObject):
    """The sounds on the screen, of which one plays at a time."""

    heard = Signal(str, int, int)
    tried = Signal(bool)

    def __init__(self, look: Look, parent: QObject) -> None:
        super().__init__(parent)
        self._look = look
        self._players: list[SoundPlayer] = []
        self._told: dict[str, Heard] = {}

    def player(self, media: Media, *, plays: int, title: str) -> SoundPlayer:
        """A new player for the sound, as far as it was heard."""
        player = SoundPlayer(media, self._look, plays=plays, title=title)
        player.heard.connect(lambda play, at: self.heard.emit(media.id, play, at))
        player.tried.connect(self.tried)
        player.began.connect(lambda: self._only(player))
        player.destroyed.connect(lambda: self._players.remove(player))
        player.agree(self._told.get(media.id))
        self._players.append(player)
        return player

    def agree(self, told: dict[str, Heard]) -> None:
        """What the journal says of all sounds."""
        self._told = told
        for player in self._players:
            player.agree(told.get(player.media.id))

    def players_in(self, widget: QWidget) -> list[SoundPlayer]:
        return widget.findChildren(SoundPlayer)

    def _only(self, player: SoundPlayer) -> None:
        for other in self._players:
            if other is not player:
                if other.is_playing:
                    other.pause()
                player.follow(other)
