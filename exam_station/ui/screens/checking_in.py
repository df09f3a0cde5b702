"""The server examines card and face."""

from PySide6.QtWidgets import QLayout, QPushButton, QWidget

from exam_station.flow import events
from exam_station.flow.screens import CheckingIn
from exam_station.flow.states import Status
from exam_station.ui.elements import button, column, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView


class CheckingInView(StageView[CheckingIn]):
    scene = Scene.SENDING

    def compose(self, screen: CheckingIn) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        parts: list[QWidget] = [
            label(screen.candidate.name, "overline"),
            label(texts("checking_in.title"), "title"),
            label(texts("checking_in.lead"), "lead", tone="muted"),
        ]
        if screen.retry_at is not None:
            parts.append(notice(theme, texts("common.retrying")))
        return column(theme, *parts, gap=20)

    def choices(self, screen: CheckingIn) -> list[QPushButton]:
        offline = self.offline_button("check_in")
        if screen.retry_at is None:
            return [offline]
        again = self.look.texts("common.retry_now")
        return [
            offline,
            button(again, "retry", lambda: self.acted.emit(events.UserRetry()), "primary"),
        ]

    def refresh(self, _screen: CheckingIn, status: Status) -> None:
        self.show_offline(status.connected)
