"""Without network: what chip and camera gave, and the proctor at the kiosk decides."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLayout, QPushButton

from exam_server.contract.api import FaceVerdict
from exam_station.flow import events
from exam_station.flow.offline import AUTHENTIC, is_beyond_doubt
from exam_station.flow.screens import ProctorConfirms
from exam_station.ui.elements import button, card, column, label, notice, portrait, row
from exam_station.ui.illustrations import Scene
from exam_station.ui.look import Look
from exam_station.ui.screens.code_entry import code_field
from exam_station.ui.screens.screen_view import StageView


class ProctorConfirmsView(StageView[ProctorConfirms]):
    scene = Scene.OFFICER

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self._sure = False
        self._field = code_field(look, "room-code", look.texts("room_code.field"), self._admit)

    def compose(self, screen: ProctorConfirms) -> QLayout:
        texts, theme, person = self.look.texts, self.look.theme, screen.candidate
        picture = portrait(theme, screen.reading.portrait if screen.reading else None, 150)
        picture.setAccessibleName(texts("common.portrait"))
        words = column(
            theme,
            label(texts("proctor_confirms.overline"), "overline"),
            label(person.name, "title"),
            label(texts("common.registration_of", number=person.registration_number), "lead"),
            label(texts("proctor_confirms.born", date=f"{person.date_of_birth:%d/%m/%Y}"), "lead"),
            None,
            gap=6,
        )
        identity = row(theme, picture, words, gap=28)
        self._sure = is_beyond_doubt(screen.reading, screen.face)
        identity.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        return column(
            theme,
            identity,
            column(theme, self._chip(screen), self._face(screen), gap=12),
            *self._code(screen),
            card(
                theme,
                label(texts("proctor_confirms.do"), "strong"),
                *(label(texts(f"proctor_confirms.step_{number}")) for number in (1, 2, 3)),
            ),
            gap=16,
        )

    def _code(self, screen: ProctorConfirms) -> list[QFrame]:
        """Where a doubt is left: the room code once more, which only the proctor has."""
        if self._sure:
            return []
        texts, theme = self.look.texts, self.look.theme
        words = label(texts("proctor_confirms.code_again"), "strong")
        asked = card(theme, words, self._field)
        if not screen.wrong:
            return [asked]
        return [notice(theme, texts("room_code.wrong"), tone="danger", name="wrong-code"), asked]

    def _chip(self, screen: ProctorConfirms) -> QFrame:
        reading = screen.reading
        good = reading is not None and reading.verdict == AUTHENTIC
        unread, proven = "proctor_confirms.chip_none", "proctor_confirms.chip_good"
        key = unread if reading is None else proven if good else "proctor_confirms.chip_unproven"
        return self._finding(key, good=good)

    def _face(self, screen: ProctorConfirms) -> QFrame:
        record = screen.face.record if screen.face else None
        good = record is not None and record.decision is FaceVerdict.ACCEPT
        key = "proctor_confirms.face_good" if good else "proctor_confirms.face_open"
        return self._finding(key, good=good)

    def _finding(self, key: str, *, good: bool) -> QFrame:
        return notice(self.look.theme, self.look.texts(key), tone="good" if good else "", name=key)

    def choices(self, screen: ProctorConfirms) -> list[QPushButton]:
        texts = self.look.texts
        refuse = button(
            texts("proctor_confirms.refuse"),
            "refuse-checkin",
            lambda: self.acted.emit(events.UserRefusedCheckIn()),
        )
        admit = button(texts("proctor_confirms.admit"), "admit-checkin", self._admit, "primary")
        for each in (refuse, admit):
            each.setEnabled(not screen.storing)
        return [refuse, admit]

    def _admit(self) -> None:
        if self._sure:
            self.acted.emit(events.UserConfirmedCheckIn())
        elif self._field.text().strip():
            self.acted.emit(events.UserTypedCode(self._field.text()))
