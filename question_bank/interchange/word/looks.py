"""A key told by looks: the option that is starred, highlighted, coloured, underlined or bold."""

from collections.abc import Callable, Mapping, Sequence

from question_bank.interchange.word.model import Mark, Strip
from question_bank.interchange.word.options import Choice

Look = Callable[[Mark], str]
LOOKS: Mapping[str, Look] = {
    "highlight": lambda mark: mark.highlight,
    "colour": lambda mark: mark.colour,
    "underline": lambda mark: "yes" if mark.underline else "",
    "bold": lambda mark: "yes" if mark.bold else "",
}


def starred(strip: Strip, choices: Sequence[Choice]) -> frozenset[int]:
    """The places of the options with a star before the label or at the end."""
    return frozenset(
        place
        for place, choice in enumerate(choices)
        if choice.label.starred
        or strip.text[choice.label.after : choice.stop].rstrip().endswith("*")
    )


def told_by_looks(
    strip: Strip, choices: Sequence[Choice], *, several: bool
) -> dict[str, frozenset[int]]:
    """By each way of looking, the places of the options that stand out: exactly one, or any
    number but none and all where `several` may be right. The labels are asked first, then the
    contents; a look that stands out in either way is told once."""
    found: dict[str, frozenset[int]] = {}
    if marked := starred(strip, choices):
        found["star"] = marked
    for name, look in LOOKS.items():
        for by_label in (True, False):
            seen = [_seen(strip, choice, look, by_label=by_label) for choice in choices]
            outstanding = _outstanding(seen, several=several)
            if outstanding and name not in found:
                found[name] = outstanding
    return found


def _seen(strip: Strip, choice: Choice, look: Look, *, by_label: bool) -> str:
    """The look of a label's letter (its dot may have another), or that all of a content has, but
    for the stop at its end; empty where it is mixed."""
    label = choice.label
    if by_label:
        text = strip.text[label.start : label.after]
        start = label.start + next(at for at, sign in enumerate(text) if sign.isalpha())
        stop = start + 1
    else:
        start = label.after
        stop = start + len(strip.text[start : choice.stop].rstrip(" \t\n.;,"))
    looks = {look(mark) for mark in strip.marks(start, stop)}
    return looks.pop() if len(looks) == 1 else ""


def _outstanding(seen: Sequence[str], *, several: bool) -> frozenset[int]:
    """The places whose look is another one than the common one. A look that is missing, where
    all others have it, is a slip and tells nothing."""
    if several:
        marked = frozenset(place for place, look in enumerate(seen) if look)
        return marked if 0 < len(marked) < len(seen) and len(set(seen)) == 2 else frozenset()
    common = max(set(seen), key=lambda look: (seen.count(look), look == "")) if seen else ""
    others = frozenset(place for place, look in enumerate(seen) if look != common)
    if not all(seen[place] for place in others):
        return frozenset()
    return others if len(others) == 1 and len(seen) > 2 else frozenset()
