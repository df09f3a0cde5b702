"""How and in which language a widget shows itself."""

from dataclasses import dataclass

from exam_station.ui.texts import Texts
from exam_station.ui.theme import Theme


@dataclass(frozen=True, slots=True)
class Look:
    """Handed to every widget when it is made; another look means other widgets."""

    theme: Theme
    texts: Texts
