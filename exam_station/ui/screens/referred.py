"""The proctor decides; what happens next, calmly."""

from PySide6.QtWidgets import QLayout

from exam_station.flow.screens import Referred
from exam_station.ui.elements import card, column, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView


class ReferredView(StageView[Referred]):
    scene = Scene.OFFICER

    def compose(self, screen: Referred) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        reasons = (
            notice(theme, texts.of("reason", reason), name=f"reason-{reason}")
            for reason in screen.reasons
        )
        steps = card(
            theme,
            label(texts("referred.next"), "strong"),
            *(label(texts(f"referred.step_{number}")) for number in (1, 2, 3)),
        )
        return column(
            theme,
            label(screen.candidate.name, "overline"),
            label(texts("referred.title"), "title"),
            label(texts("referred.lead"), "lead"),
            *reasons,
            steps,
            label(texts("referred.calm"), "muted"),
            gap=20,
        )
