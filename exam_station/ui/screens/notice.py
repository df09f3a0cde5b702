"""Writing cannot go on at this station."""

from PySide6.QtWidgets import QLayout, QPushButton

from exam_station.flow import events
from exam_station.flow.states import Notice
from exam_station.ui.elements import button, card, column, label
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView


class NoticeView(StageView[Notice]):
    scene = Scene.REPAIR

    def compose(self, screen: Notice) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        who = screen.candidate.name if screen.candidate else texts("common.product")
        parts = [
            label(who, "overline"),
            label(texts.of("notice", screen.code), "title", name="notice"),
            card(
                theme,
                label(texts("notice.do"), "small"),
                label(texts.of("notice_remedy", screen.code), "heading"),
            ),
        ]
        call = label(texts("notice.call", code=screen.code.value), "muted")
        return column(theme, *parts, call, gap=24)

    def choices(self, screen: Notice) -> list[QPushButton]:
        if not screen.retry:
            return []
        again = self.look.texts("common.retry")
        return [button(again, "retry", lambda: self.acted.emit(events.UserRetry()), "primary")]
