"""How and in which language a widget shows itself."""

from dataclasses import dataclass, field

from exam_station.loudspeaker import Loudspeaker
from exam_station.ui.texts import Texts
from exam_station.ui.theme import Theme


@dataclass(frozen=True, slots=True)
class Look:
    """Handed to every widget when it is made; another look means other widgets. The loudspeaker,
    and how loud it is, stays the same."""

    theme: Theme
    texts: Texts
    loudspeaker: Loudspeaker = field(default_factory=Loudspeaker, compare=False)
