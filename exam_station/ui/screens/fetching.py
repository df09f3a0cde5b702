"""A quiet line for whoever looks after the room: the sealed packages are still on their way."""

from PySide6.QtWidgets import QLabel

from exam_station.flow.states import Status
from exam_station.ui.elements import label
from exam_station.ui.look import Look


def fetching() -> QLabel:
    """The line, to be put on a screen and kept up to date with `show_fetching`."""
    line = label("", "small", tone="accent", name="fetching-packages")
    line.setVisible(False)
    return line


def show_fetching(line: QLabel, look: Look, status: Status) -> None:
    """Tells how many of the packages are here, while some are missing."""
    here, wanted = status.packages
    line.setText(look.texts("common.fetching", here=here, wanted=wanted))
    line.setVisible(here < wanted)
