"""The server does not accept this card for this candidate; the proctor goes on."""

from PySide6.QtWidgets import QLayout

from exam_station.flow.screens import CardRefused
from exam_station.ui.elements import column, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView

BY_OFFICER = "refused_by_officer"


class CardRefusedView(StageView[CardRefused]):
    """After an officer's refusal it says that alone: the decision was a person's, not the card's
    nor the face comparison's."""

    scene = Scene.REFUSED

    def compose(self, screen: CardRefused) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        by_officer = BY_OFFICER in screen.reasons
        title = "card_refused.title_by_officer" if by_officer else "card_refused.title"
        reasons = (
            notice(theme, texts.of("reason", reason), tone="danger", name=f"reason-{reason}")
            for reason in ((BY_OFFICER,) if by_officer else screen.reasons)
        )
        return column(
            theme,
            label(screen.candidate.name, "overline"),
            label(texts(title), "title"),
            *reasons,
            label(texts("card_refused.lead"), "lead"),
            label(texts("card_refused.again"), "muted"),
            gap=24,
        )
