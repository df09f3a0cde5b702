"""The tap came to nothing: why, and what the candidate can do."""

from PySide6.QtWidgets import QLayout, QPushButton

from exam_station.flow import events
from exam_station.flow.screens import CardProblem
from exam_station.flow.states import Status
from exam_station.ui.elements import button, card, column, label
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView


class CardProblemView(StageView[CardProblem]):
    scene = Scene.CARD_AGAIN

    def compose(self, screen: CardProblem) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        remedy = card(
            theme,
            label(texts("card_problem.do"), "small"),
            label(texts.of("card_remedy", screen.reason), "heading", name="remedy"),
        )
        return column(
            theme,
            label(screen.candidate.name, "overline"),
            label(texts("card_problem.title"), "title"),
            label(texts.of("card", screen.reason), "lead", name="reason"),
            remedy,
            label(texts("card_problem.proctor", code=screen.reason.value), "muted"),
            gap=24,
        )

    def choices(self, _screen: CardProblem) -> list[QPushButton]:
        again = self.look.texts("common.retry")
        return [
            self.offline_button("without_chip"),
            button(again, "retry", lambda: self.acted.emit(events.UserRetry()), "primary"),
        ]

    def refresh(self, _screen: CardProblem, status: Status) -> None:
        self.show_offline(status.connected)
