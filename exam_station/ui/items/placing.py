"""Pieces into places: what gap match and graphic gap match share."""

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from exam_station.ui import elements
from exam_station.ui.items.chip import Chip
from exam_station.ui.items.choosing import Pair, joined
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from exam_station.ui.wrapping import wrapped
from question_bank.interactions import Piece
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import PairsKind, PairsResponse, Response


class PlacingView(ItemView):
    """A piece is dragged to its place, or picked up by a click or Enter and put down by another
    one. A place pressed with nothing in hand gives its piece back; Escape lets go."""

    kind: PairsKind

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        self._pairs: tuple[Pair, ...] = ()
        self._picked: str | None = None
        self._chips: dict[str, Chip] = {}
        self._most: dict[str, int] = {}

    def place_at(self, spot: QPoint) -> str | None:
        """The place that is there, in global coordinates."""
        raise NotImplementedError

    def show_places(self, pairs: tuple[Pair, ...]) -> None:
        """What lies where."""
        raise NotImplementedError

    def tray(self, pieces: Sequence[Piece]) -> QWidget:
        """The pieces to choose from, above the places."""
        for piece in pieces:
            chip = Chip(piece.id, self.look, self.media, piece.content, slot=False)
            chip.setObjectName(f"piece-{piece.id}")
            chip.setAccessibleDescription(self.look.texts("item.piece"))
            chip.clicked.connect(partial(self._pick, piece.id))
            chip.dropped.connect(partial(self.drop, piece.id))
            self._chips[piece.id] = chip
            self._most[piece.id] = piece.most
        return wrapped(self.look.theme.px(12), *self._chips.values())

    def limit(self, place: str, most: int) -> None:
        """How many pieces the place has room for (0: any)."""
        self._most[place] = most

    def hint(self) -> QWidget:
        return elements.label(self.look.texts("item.placing_hint"), "muted")

    def content_of(self, piece: str) -> str:
        return self._chips[piece].content

    def drop(self, piece: str, spot: QPoint) -> None:
        place = self.place_at(spot)
        if place is not None:
            self._put(piece, place)

    def press_place(self, place: str) -> None:
        """The place was clicked or chosen by key."""
        lying = [piece for piece, where in self._pairs if where == place]
        if self._picked is not None:
            self._put(self._picked, place)
        elif lying:
            self.take_back(lying[-1], place)

    def take_back(self, piece: str, place: str) -> None:
        self._tell(tuple(pair for pair in self._pairs if pair != (piece, place)))

    def carry_on(self, piece: str, origin: str, spot: QPoint) -> None:
        """A piece dragged out of its place: to another one, or away."""
        place = self.place_at(spot)
        if place == origin:
            return
        self._pairs = tuple(pair for pair in self._pairs if pair != (piece, origin))
        if place is None:
            self._tell(self._pairs)
        else:
            self._put(piece, place)

    def set_response(self, response: Response | None) -> None:
        self._pairs = response.pairs if isinstance(response, PairsResponse) else ()
        self._pick(None)
        self._show()

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(PairsResponse((), self.kind))

    def focus_first(self) -> None:
        next(iter(self._chips.values())).setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() == Qt.Key.Key_Escape and self._picked is not None:
            self._pick(None)
            return
        super().keyPressEvent(event)

    def _pick(self, piece: str | None) -> None:
        self._picked = None if piece == self._picked else piece
        for name, chip in self._chips.items():
            chip.setChecked(name == self._picked)

    def _put(self, piece: str, place: str) -> None:
        self._pick(None)
        self._tell(joined(self._pairs, (piece, place), lambda name: self._most.get(name, 1)))

    def _tell(self, pairs: tuple[Pair, ...]) -> None:
        self._pairs = pairs
        self._show()
        self.emit_answer(PairsResponse(pairs, self.kind))

    def _show(self) -> None:
        for name, chip in self._chips.items():
            used = sum(piece == name for piece, _ in self._pairs)
            chip.set_used_up(bool(self._most[name]) and used >= self._most[name])
        self.show_places(self._pairs)
