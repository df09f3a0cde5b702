"""The server holds everything: the receipt."""

from PySide6.QtWidgets import QLayout

from exam_station.flow.screens import ReceiptShown
from exam_station.ui.elements import card, clock_date, clock_time, column, fact, label, row, rule
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView


class ReceiptView(StageView[ReceiptShown]):
    scene = Scene.RECEIPT

    def compose(self, screen: ReceiptShown) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        person, receipt = screen.candidate, screen.receipt
        at = receipt.submitted_at
        slip = card(
            theme,
            label(texts("receipt.code"), "small"),
            label(receipt.short_code, "display", name="short-code"),
            label(texts("receipt.keep"), "muted"),
            rule(theme),
            row(
                theme,
                fact(texts("common.registration"), receipt.registration_number),
                fact(texts("common.code"), receipt.code),
                fact(texts("receipt.answered"), texts("receipt.items", count=receipt.answered)),
                fact(texts("receipt.at"), f"{clock_time(at)} · {clock_date(at)}"),
            ),
        )
        return column(
            theme,
            label(texts("receipt.overline"), "overline", tone="good"),
            label(texts("receipt.title"), "title"),
            label(texts("receipt.thanks", name=person.name, paper=person.paper), "lead"),
            slip,
            label(texts("receipt.next"), "lead", tone="muted"),
            gap=24,
        )
