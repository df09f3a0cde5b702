"""May the face be compared? What is compared, what is kept, and the way without it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QPushButton

from exam_station.flow import events
from exam_station.flow.screens import Consent
from exam_station.ui.elements import button, card, column, label, portrait, row
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView

POINTS = ("compared", "kept", "deleted", "alternative")


class ConsentView(StageView[Consent]):
    scene = Scene.CONSENT

    def compose(self, screen: Consent) -> QLayout:
        texts, theme, person = self.look.texts, self.look.theme, screen.candidate
        picture = portrait(theme, screen.reading.portrait, 150)
        picture.setAccessibleName(texts("common.portrait"))
        words = column(
            theme,
            label(texts("consent.read"), "overline"),
            label(person.name, "title"),
            label(texts("common.registration_of", number=person.registration_number), "muted"),
            None,
            gap=6,
        )
        identity = row(theme, picture, words, gap=28)
        identity.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        points = (
            column(
                theme,
                label(texts(f"consent.{point}_title"), "strong"),
                label(texts(f"consent.{point}")),
                gap=2,
            )
            for point in POINTS
        )
        return column(
            theme,
            identity,
            label(texts("consent.title"), "heading", tone="primary"),
            card(theme, *points),
            label(texts("consent.keep_card"), "muted"),
            gap=24,
        )

    def choices(self, _screen: Consent) -> list[QPushButton]:
        texts = self.look.texts
        return [
            button(
                texts("consent.decline"),
                "consent-decline",
                lambda: self.acted.emit(events.UserDeclined()),
            ),
            button(
                texts("consent.agree"),
                "consent-agree",
                lambda: self.acted.emit(events.UserAgreed()),
                "primary",
            ),
        ]
