"""The widget for an item."""

from collections.abc import Mapping

from exam_station.ui.items.associate import AssociateView
from exam_station.ui.items.choice import ChoiceView
from exam_station.ui.items.cluster import ClusterView
from exam_station.ui.items.composite import CompositeView
from exam_station.ui.items.extended import ExtendedView
from exam_station.ui.items.gap_match import GapMatchView
from exam_station.ui.items.graphic_gap_match import GraphicGapMatchView
from exam_station.ui.items.graphic_order import GraphicOrderView
from exam_station.ui.items.hot_text import HotTextView
from exam_station.ui.items.hotspot import HotspotView
from exam_station.ui.items.inline_choice import InlineChoiceView
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.items.match import MatchView
from exam_station.ui.items.numeric import NumericView
from exam_station.ui.items.order import OrderView
from exam_station.ui.items.select_point import SelectPointView
from exam_station.ui.items.slider import SliderView
from exam_station.ui.items.text_entry import TextEntryView
from exam_station.ui.look import Look
from exam_station.ui.sound_player import SoundShelf
from question_bank.interactions import (
    Associate,
    ExtendedText,
    GapMatch,
    GraphicGapMatch,
    GraphicOrder,
    Hotspot,
    HotText,
    InlineChoice,
    Match,
    Order,
    SelectPoint,
    Slider,
    TextEntry,
)
from question_bank.item import Media
from question_bank.package import (
    PresentedChoice,
    PresentedCluster,
    PresentedComposite,
    PresentedItem,
    PresentedNumeric,
)
from question_bank.response import Response

VIEWS: Mapping[type, type[ItemView]] = {
    PresentedChoice: ChoiceView,
    PresentedCluster: ClusterView,
    PresentedNumeric: NumericView,
    TextEntry: TextEntryView,
    InlineChoice: InlineChoiceView,
    ExtendedText: ExtendedView,
    Order: OrderView,
    Match: MatchView,
    Associate: AssociateView,
    GapMatch: GapMatchView,
    HotText: HotTextView,
    Hotspot: HotspotView,
    GraphicGapMatch: GraphicGapMatchView,
    GraphicOrder: GraphicOrderView,
    SelectPoint: SelectPointView,
    Slider: SliderView,
}


def item_view(
    item: PresentedItem,
    response: Response | None,
    look: Look,
    media: Mapping[str, Media],
    sounds: SoundShelf,
) -> ItemView:
    """The widget for the item's interaction, with the response that the candidate gave before."""
    if isinstance(item.interaction, PresentedComposite):
        view: ItemView = CompositeView(
            item, look, media, lambda part: _part(part, look, media), sounds
        )
    else:
        view = VIEWS[type(item.interaction)](item, look, media)
    view.agree(response)
    return view


def _part(item: PresentedItem, look: Look, media: Mapping[str, Media]) -> ItemView:
    return VIEWS[type(item.interaction)](item, look, media, part=True)
