"""Writing cannot go on at this station."""

from PySide6.QtWidgets import QLayout, QPushButton

from exam_station.flow import events
from exam_station.flow.codes import NoticeCode
from exam_station.flow.screens import Notice
from exam_station.ui.elements import button, card, column, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView
from exam_station.ui.screens.submitting import provisional


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
        if screen.unsent:
            parts.append(notice(theme, texts("notice.unsent", count=screen.unsent)))
        if screen.head_code:
            parts.append(provisional(self.look, screen.head_code))
        if screen.code not in (NoticeCode.MOVED, NoticeCode.CARRIED_AWAY):  # the proctor knows
            parts.append(label(texts("notice.call", code=screen.code.value), "muted"))
        return column(theme, *parts, gap=24)

    def choices(self, screen: Notice) -> list[QPushButton]:
        if not screen.retry:
            return []
        again = self.look.texts("common.retry")
        return [button(again, "retry", lambda: self.acted.emit(events.UserRetry()), "primary")]
