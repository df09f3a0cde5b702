"""The kiosk cannot serve: for each problem what is wrong, what to do, whom to call."""

from PySide6.QtWidgets import QFrame, QLayout

from exam_station.flow.codes import Problem
from exam_station.flow.screens import OutOfOrder
from exam_station.ui.elements import card, column, label
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView


class OutOfOrderView(StageView[OutOfOrder]):
    scene = Scene.REPAIR

    def compose(self, screen: OutOfOrder) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        return column(
            theme,
            label(texts("out_of_order.overline"), "overline"),
            label(texts("out_of_order.title"), "title"),
            label(texts("out_of_order.lead"), "lead", tone="muted"),
            *(self._problem(problem) for problem in screen.problems),
            label(texts("out_of_order.by_itself"), "muted"),
            gap=20,
        )

    def _problem(self, problem: Problem) -> QFrame:
        texts = self.look.texts
        ground = card(
            self.look.theme,
            label(texts.of("problem", problem), "strong", tone="danger"),
            label(texts.of("problem_remedy", problem)),
            label(texts("out_of_order.call", code=problem.value), "small"),
        )
        ground.setObjectName(f"problem-{problem}")
        return ground
