"""Items of kinds that no text of a document tells whole: an order, areas of a picture.

A document of our own carries such an item's record, and what our reader saw of it when it was
written: the question, its passage, its row in the table of keys. While these are as they were, the
record is the item; as soon as somebody has changed them, it counts for nothing.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping

from question_bank.errors import QuestionBankError
from question_bank.interchange.sameness import pictures_of
from question_bank.interchange.word.carried import Carried
from question_bank.interchange.word.drafts import Draft, Scan
from question_bank.interchange.word.model import Strip, joined, words_of
from question_bank.item import Item
from question_bank.records import item_from_plain, item_to_plain

WHOLE, SEEN = "whole", "seen"
DIGEST = 16  # letters of a picture's digest by which readers name it


def record_of(item: Item) -> dict[str, object]:
    """The item's record; of its pictures, which are in the document, what they are known by."""
    plain = item_to_plain(item)
    shown = pictures_of(item)
    plain["media"] = [
        {"id": media.id, "mime": media.mime, "digest": _digest(media.data)}
        for media in item.media
        if media.id in shown
    ]
    return plain


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGEST]


def seen(draft: Draft, scan: Scan) -> str:
    """What a reader sees of a question, in short."""
    words = "\n".join(words_of(strip) for strip in _strips(draft, scan))
    return hashlib.sha256(words.encode()).hexdigest()


def _strips(draft: Draft, scan: Scan) -> Iterator[Strip]:
    yield joined(draft.body)
    yield joined(draft.solution)
    yield joined([] if draft.shared is None else draft.shared.lines)
    yield scan.kept.get((draft.part, str(draft.number)), Strip())


class Wholes:
    """The items of one document that are as their records say."""

    def __init__(self, carried: Carried, bookmarks: Mapping[int, str], scan: Scan) -> None:
        self._carried = carried
        self._bookmarks = bookmarks
        self._scan = scan
        self._taken: set[str] = set()

    def item(self, draft: Draft) -> Item | None:
        """The item of a question, once; None where there is no record, or it counts for nothing."""
        mark = self._bookmarks.get(draft.paragraph, "")
        record = self._carried.questions.get(mark)
        if not isinstance(record, Mapping) or mark in self._taken:
            return None
        whole = record.get(WHOLE)
        if not isinstance(whole, dict) or record.get(SEEN) != seen(draft, self._scan):
            return None
        try:
            item = item_from_plain({**whole, "media": self._media(whole["media"], draft)})
        except (QuestionBankError, KeyError, TypeError, ValueError):
            return None
        self._taken.add(mark)
        return item

    def _media(self, told: object, draft: Draft) -> list[object]:
        """The pictures that the record names, out of the document."""
        shown = [media for strip in _strips(draft, self._scan) for media in strip.pictures()]
        found = {_digest(media.data): media for media in shown}
        return [
            {"id": one["id"], "mime": one["mime"], "data": b64encode(held.data).decode()}
            for one in (told if isinstance(told, list) else [])
            for held in [found[one["digest"]]]
        ]
