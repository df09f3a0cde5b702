"""Hand in? With what is not answered and what is marked, each one press away."""

from collections.abc import Callable, Iterable

from PySide6.QtWidgets import QGridLayout, QLayout, QPushButton, QWidget

from exam_station.flow import events
from exam_station.flow.screens import ConfirmSubmit
from exam_station.sitting import Sitting
from exam_station.ui.elements import button, card, column, label, notice, row
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.navigator import answered_part
from exam_station.ui.screens.screen_view import StageView
from question_bank.package import PresentedItem

COLUMNS = 12


class ConfirmSubmitView(StageView[ConfirmSubmit]):
    scene = Scene.PAPER

    def compose(self, screen: ConfirmSubmit) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        sitting = screen.writing.sitting
        items, last = sitting.open_items, sitting.in_last_section
        groups = (
            ("unanswered", [item for item in items if _part(sitting, item) == 0]),
            ("partly", [item for item in items if 0 < _part(sitting, item) < 1]),
            ("flagged", [item for item in items if item.id in sitting.flags]),
        )
        figures = (
            self._figure(len(items) - len(groups[0][1]), "answered", "good"),
            self._figure(len(groups[0][1]), "unanswered", "danger" if groups[0][1] else "muted"),
            self._figure(len(groups[2][1]), "flagged", "accent" if groups[2][1] else "muted"),
        )
        lists = [self._list(name, members) for name, members in groups if members]
        complete = [] if lists else [notice(theme, texts("confirm.complete"), tone="good")]
        return column(
            theme,
            label(screen.writing.candidate.name, "overline"),
            label(texts("confirm.title" if last else "confirm.section_title"), "title"),
            label(texts("confirm.lead" if last else "confirm.section_lead"), "lead", tone="muted"),
            row(theme, *figures, gap=18),
            *lists,
            *complete,
            gap=24,
        )

    def choices(self, screen: ConfirmSubmit) -> list[QPushButton]:
        texts = self.look.texts
        last = screen.writing.sitting.in_last_section
        return [
            button(
                texts("confirm.back"),
                "back-to-paper",
                lambda: self.acted.emit(events.UserWentBack()),
            ),
            button(
                texts("confirm.submit" if last else "confirm.next_section"),
                "confirm-submit",
                lambda: self.acted.emit(events.UserConfirmedSubmit()),
                "primary",
            ),
        ]

    def needs_composing(self, screen: ConfirmSubmit) -> bool:
        return self.shown is None or self.shown.writing.sitting != screen.writing.sitting

    def _figure(self, count: int, name: str, tone: str) -> QWidget:
        number = label(str(count), "display", tone=tone, name=f"count-{name}")
        return card(self.look.theme, number, label(self.look.texts(f"navigator.{name}"), "muted"))

    def _list(self, name: str, items: Iterable[PresentedItem]) -> QLayout:
        """The numbers as buttons that lead to the item."""
        theme, texts = self.look.theme, self.look.texts
        ground = QWidget()
        grid = QGridLayout(ground)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.px(6))
        grid.setColumnStretch(COLUMNS, 1)
        for place, item in enumerate(items):
            grid.addWidget(self._number(name, item), place // COLUMNS, place % COLUMNS)
        return column(theme, label(texts(f"confirm.{name}"), "strong"), ground, gap=8)

    def _number(self, group: str, item: PresentedItem) -> QPushButton:
        number = button(
            str(item.number), f"{group}-item-{item.number}", self._leader(item.id), "quiet"
        )
        number.setAccessibleName(self.look.texts("navigator.item", number=item.number))
        number.setStyleSheet(f"border-color: {self.look.theme.palette.line};")
        return number

    def _leader(self, item: str) -> Callable[[], None]:
        def lead() -> None:
            self.acted.emit(events.UserWentBack())
            self.acted.emit(events.UserWentTo(item))

        return lead


def _part(sitting: Sitting, item: PresentedItem) -> float:
    return answered_part(item, sitting.response(item.id))
