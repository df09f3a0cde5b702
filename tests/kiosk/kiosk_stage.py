"""What the tests of the kiosk's window share: a small paper, and a person's way to the window."""

from datetime import UTC, datetime

from PySide6.QtWidgets import QApplication, QWidget

from exam_station.flow import states
from exam_station.flow.states import State
from exam_station.flow.transition import transition
from exam_station.sitting import Sitting
from exam_station.ui.window import KioskWindow
from question_bank.package import PresentedOption

START = datetime(2026, 6, 26, 0, 30, tzinfo=UTC)
MATH = 'xmlns="http://www.w3.org/1998/Math/MathML"'
HALF = f'<math {MATH} alttext="\\frac{{1}}{{2}}"><mfrac><mn>1</mn><mn>2</mn></mfrac></math>'
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60">'
    b'<rect width="80" height="60" fill="#1040c0"/></svg>'
)


def options(*contents: str) -> tuple[PresentedOption, ...]:
    return tuple(PresentedOption(f"o{place}", text) for place, text in enumerate(contents, 1))


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

    @property
    def sitting(self) -> Sitting:
        assert isinstance(self.state.screen, states.Writing)
        return self.state.screen.sitting
