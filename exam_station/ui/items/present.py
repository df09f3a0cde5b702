"""The widget for an item."""

from collections.abc import Mapping

from exam_station.ui.items.choice import ChoiceView
from exam_station.ui.items.cluster import ClusterView
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.items.numeric import NumericView
from exam_station.ui.look import Look
from question_bank.item import Media
from question_bank.package import (
    PresentedChoice,
    PresentedCluster,
    PresentedItem,
    PresentedNumeric,
)
from question_bank.response import Response


def item_view(
    item: PresentedItem, response: Response | None, look: Look, media: Mapping[str, Media]
) -> ItemView:
    """The widget for the item's interaction, with the response that the candidate gave before."""
    view = _unanswered(item, look, media)
    view.agree(response)
    return view


def _unanswered(item: PresentedItem, look: Look, media: Mapping[str, Media]) -> ItemView:
    match item.interaction:
        case PresentedChoice():
            return ChoiceView(item, look, media)
        case PresentedCluster():
            return ClusterView(item, look, media)
        case PresentedNumeric():
            return NumericView(item, look, media)
