"""Handed in on this station; the server's receipt is on its way."""

from PySide6.QtWidgets import QFrame, QLayout, QWidget

from exam_station.flow.screens import Submitting
from exam_station.ui.elements import card, column, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.look import Look
from exam_station.ui.screens.screen_view import StageView


class SubmittingView(StageView[Submitting]):
    scene = Scene.SENDING

    def compose(self, screen: Submitting) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        by_time = screen.by == "time"
        parts: list[QWidget | QLayout] = [
            label(screen.candidate.name, "overline"),
            label(texts("submitting.time_up" if by_time else "submitting.title"), "title"),
            label(texts("submitting.lead"), "lead", tone="muted"),
        ]
        if screen.retry_at is not None and screen.head_code:
            parts.append(notice(theme, texts("offline.handed_in"), name="handed-in-here"))
        elif screen.retry_at is not None:
            parts.append(notice(theme, texts("submitting.retrying")))
        if screen.head_code:
            parts.append(provisional(self.look, screen.head_code))
        return column(theme, *parts, gap=22)


def provisional(look: Look, head_code: str) -> QFrame:
    """The journal's head as a code for the proctor's minutes."""
    return card(
        look.theme,
        label(look.texts("submitting.provisional"), "small"),
        label(head_code, "heading", name="head-code"),
        label(look.texts("submitting.provisional_use"), "muted"),
    )
