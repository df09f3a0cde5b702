"""What the tests of the kiosk's window share: a small paper, and a person's way to the window."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from exam_server.contract import records
from exam_station.flow import events, screens
from exam_station.flow.states import State
from exam_station.flow.transition import transition
from exam_station.sitting import Sitting
from exam_station.ui.window import KioskWindow
from question_bank.item import Media
from question_bank.package import (
    PresentedForm,
    PresentedInteraction,
    PresentedItem,
    PresentedOption,
    PresentedPart,
    PresentedStimulus,
)
from question_bank.presented import schema_of
from question_bank.response import Response

START = datetime(2026, 6, 26, 0, 30, tzinfo=UTC)
#: How long something may take on a busy machine, in milliseconds.
PATIENCE = 60_000
MATH = 'xmlns="http://www.w3.org/1998/Math/MathML"'
HALF = f'<math {MATH} alttext="\\frac{{1}}{{2}}"><mfrac><mn>1</mn><mn>2</mn></mfrac></math>'
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60">'
    b'<rect width="80" height="60" fill="#1040c0"/></svg>'
)


def options(*contents: str) -> tuple[PresentedOption, ...]:
    return tuple(PresentedOption(f"o{place}", text) for place, text in enumerate(contents, 1))


def paper_of(
    *interactions: PresentedInteraction, stem: str = "<p>Hỏi.</p>", stimulus: str = ""
) -> PresentedForm:
    """Items i1, i2, … of these interactions, all under the stimulus where there is one."""
    stimuli = (PresentedStimulus("s1", stimulus),) if stimulus else ()
    named = stimuli[0].id if stimuli else None
    items = tuple(
        PresentedItem(f"i{number}", number, stem, interaction, named)
        for number, interaction in enumerate(interactions, 1)
    )
    parts = (PresentedPart("PHẦN I", "", items),)
    media = (Media("hinh", "image/svg+xml", SVG),)
    schema = schema_of(parts, stimuli, sequential=False)
    return PresentedForm("Thi thử", "KHTN", "0101", 50, parts, media, schema, stimuli)


def shown_window(qtbot: QtBot, **options: object) -> KioskWindow:
    """A kiosk's window that has the focus."""
    shown = KioskWindow(closable=True, **options)
    qtbot.addWidget(shown)
    shown.resize(1280, 720)
    with qtbot.waitActive(shown, timeout=PATIENCE):
        shown.show()
    return shown


class Kiosk:
    """The window and the flow behind it, without the world: acts go straight into the flow."""

    def __init__(self, window: KioskWindow, state: State) -> None:
        self.window = window
        self.state = state
        self.acts: list[object] = []
        window.acted.connect(self.act)
        window.render(state)

    def act(self, event: object) -> None:
        """What happened, told to the flow, and its answer shown."""
        self.acts.append(event)
        self.state, _ = transition(self.state, event)
        self.window.render(self.state)

    def show(self, state: State) -> None:
        self.state = state
        self.window.render(state)

    def find(self, name: str) -> QWidget:
        """The only visible widget of that name, laid out."""
        QApplication.processEvents()
        found = [w for w in self.window.findChildren(QWidget, name) if w.isVisible()]
        assert len(found) == 1, f"{name}: {len(found)} visible"
        return found[0]

    def begin(self, form: PresentedForm) -> None:
        """That paper, just opened."""
        assert isinstance(self.state.screen, screens.Writing)
        self.acts.clear()
        sitting, _ = Sitting.begin(form)
        screen = replace(self.state.screen, sitting=sitting)
        self.show(replace(self.state, screen=screen))

    def restart(self) -> None:
        """The window anew, and the paper as the journal of what was done tells of it."""
        sitting, opened = Sitting.begin(self.sitting.form)
        bodies: list[records.Body] = [opened]
        for act in self.acts:
            match act:
                case events.UserAnswered(item, response):
                    sitting, body = sitting.answer(item, response)
                    bodies.append(body)
                case events.UserWentTo(item):
                    sitting, body = sitting.go_to(item)
                    bodies.append(body)
                case events.UserHeard(sound, play, at):
                    sitting, body = sitting.hear(sound, play, at)
                    bodies.append(body)
        screen = self.state.screen
        assert isinstance(screen, screens.Writing)
        replayed = Sitting.replay(sitting.form, bodies)
        self.show(replace(self.state, screen=screens.Opening(screen.candidate, screen.attempt)))
        self.show(replace(self.state, screen=replace(screen, sitting=replayed)))

    @property
    def response(self) -> Response | None:
        """The answer to the item on the screen, as the flow has it."""
        return self.sitting.response(self.sitting.current)

    @property
    def written(self) -> Mapping[str, Response]:
        """All answers as they were handed over to be asked about handing in."""
        screen = self.state.screen
        assert isinstance(screen, screens.ConfirmSubmit)
        return screen.writing.sitting.responses

    @property
    def sitting(self) -> Sitting:
        assert isinstance(self.state.screen, screens.Writing)
        return self.state.screen.sitting
