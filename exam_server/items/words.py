"""Looking for words in texts, with and without diacritics. Pure.

A letter typed without a mark stands for every letter that it may be (o: o, ô, ơ, ớ…; d: d, đ); a
letter typed with one stands for itself. What is typed may be the beginning of a word, or a part of
one; words between quotation marks follow each other and are whole. The nearer, the higher: whole
words before beginnings before parts, each as typed before what only its letters allow.
"""

import re
import unicodedata
from dataclasses import dataclass

MAX_WORDS = 20_000
MAX_QUERY_WORDS = 12
#: Parts of words this short stand everywhere.
SHORTEST_PART = 2
#: Between two texts: no phrase goes over it.
APART = " \x1f "
_MARKS = re.compile("[\u0300-\u036f]+")
_WORD = re.compile(r"[^\W_]+")
#: Letters that stand for others where they are typed without a mark.
_OPEN = re.compile("[aeiouyd]")
_QUOTED = re.compile(r'["“”«»]([^"“”«»]*)["“”«»]')
_WHOLE, _BEGINNING, _PART, _TOGETHER = 6, 4, 2, 20


def fold(text: str) -> str:
    """Small letters without diacritics; đ is d. As long as `text`, if that is in small letters."""
    small = text.lower()
    spread = _MARKS.sub("", unicodedata.normalize("NFD", small).replace("đ", "d"))
    if len(spread) == len(small):
        return spread
    # A script whose signs come apart into letters (Hangul) keeps the first of each.
    return "".join(unicodedata.normalize("NFD", one)[0].replace("đ", "d") for one in small)


def words_of(text: str) -> list[str]:
    """The words in small letters."""
    return _WORD.findall(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower()))


@dataclass(frozen=True, slots=True)
class Text:
    """What an item says, its words between single spaces, as they stand and folded."""

    exact: str
    folded: str

    @classmethod
    def of(cls, exact: str) -> "Text":
        return cls(exact, fold(exact))


def joined(texts: list[str]) -> str:
    """The words of several texts as `Text` wants them."""
    words: list[str] = []
    for text in texts:
        words += [*words_of(text), APART.strip()]
    return f" {' '.join(words[:MAX_WORDS])} "


@dataclass(frozen=True, slots=True)
class _Form:
    """Letters that are looked for, and what finding them is worth: as typed, or one less where a
    text's letters allow it. `marked` are the places and letters that must be as typed."""

    typed: str
    bare: str
    marked: tuple[tuple[int, str], ...]
    worth: int

    @classmethod
    def of(cls, typed: str, worth: int) -> "_Form":
        bare = fold(typed)
        marked = ((place, one) for place, one in enumerate(typed) if one != bare[place])
        return cls(typed, bare, tuple(marked), worth)

    def near(self, text: Text) -> int:
        if self.typed in text.exact:
            return self.worth
        return self.worth - 1 if self._allowed(text) else 0

    def _allowed(self, text: Text) -> bool:
        if not self.marked:
            return self.bare in text.folded
        if not _OPEN.search(self.typed):
            return False
        at = text.folded.find(self.bare)
        while at >= 0:
            if all(text.exact[at + place] == one for place, one in self.marked):
                return True
            at = text.folded.find(self.bare, at + 1)
        return False


def _forms_of(word: str) -> tuple[_Form, ...]:
    """What a text may have of a word, the nearest first; the last is in all of them."""
    forms = [_Form.of(f" {word} ", _WHOLE), _Form.of(f" {word}", _BEGINNING)]
    if len(word) >= SHORTEST_PART:
        forms.append(_Form.of(word, _PART))
    return tuple(forms)


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for: each of `wanted` in one of its forms; `together` is worth more."""

    wanted: tuple[tuple[_Form, ...], ...]
    together: _Form | None

    @classmethod
    def of(cls, typed: str) -> "Query":
        phrases = [" ".join(words_of(quoted)) for quoted in _QUOTED.findall(typed)]
        words = list(dict.fromkeys(words_of(_QUOTED.sub(" ", typed))))[:MAX_QUERY_WORDS]
        whole = [(_Form.of(f" {one} ", _WHOLE),) for one in dict.fromkeys(phrases) if one]
        together = _Form.of(f" {' '.join(words)} ", _TOGETHER) if len(words) > 1 else None
        return cls((*whole[:MAX_QUERY_WORDS], *map(_forms_of, words)), together)

    def __bool__(self) -> bool:
        return bool(self.wanted)

    def rank(self, text: Text) -> int | None:
        """How near `text` comes; None where something that was asked for is not in it."""
        # Most texts have not even the letters.
        if any(forms[-1].bare not in text.folded for forms in self.wanted):
            return None
        total = 0
        for forms in self.wanted:
            if not (near := next((one for form in forms if (one := form.near(text))), 0)):
                return None
            total += near
        return total + (self.together.near(text) if self.together else 0)
