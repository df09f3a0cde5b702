"""The server does not accept this card for this candidate; the proctor goes on."""

from PySide6.QtWidgets import QLayout

from exam_station.flow.states import CardRefused
from exam_station.ui.elements import column, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView


class CardRefusedView(StageView[CardRefused]):
    scene = Scene.REFUSED

    def compose(self, screen: CardRefused) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        reasons = (
            notice(theme, texts.of("reason", reason), tone="danger", name=f"reason-{reason}")
            for reason in screen.reasons
        )
        return column(
            theme,
            label(screen.candidate.name, "overline"),
            label(texts("card_refused.title"), "title"),
            *reasons,
            label(texts("card_refused.lead"), "lead"),
            label(texts("card_refused.again"), "muted"),
            gap=24,
        )
