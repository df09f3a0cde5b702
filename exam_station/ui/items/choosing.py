"""What becomes of an answer when one more is chosen. Where more is chosen than may be, the oldest
that stands in the way goes: what was just done always counts."""

from collections.abc import Callable

from exam_station.ui.texts import Texts

Pair = tuple[str, str]


def how_many(most: int, texts: Texts) -> str:
    """What the candidate is told of how much may be chosen (0: any)."""
    if most == 1:
        return texts("item.choose_one")
    return texts("item.choose_most", count=most) if most else texts("item.choose_any")


def toggled(chosen: tuple[str, ...], name: str, most: int) -> tuple[str, ...]:
    """`name` chosen, or not chosen any more; at most `most` (0: any) stay."""
    if name in chosen:
        return tuple(other for other in chosen if other != name)
    kept = (*chosen, name)
    return kept[-most:] if most else kept


def joined(
    pairs: tuple[Pair, ...], pair: Pair, most_of: Callable[[str], int], max_pairs: int = 0
) -> tuple[Pair, ...]:
    """`pair` made. `most_of` says how many pairs a piece may be in (0: any)."""
    kept = [other for other in pairs if other != pair]
    for name in pair:
        most = most_of(name)
        using = [other for other in kept if name in other]
        surplus = len(using) - most + 1 if most else 0
        for other in using[: max(0, surplus)]:
            kept.remove(other)
    if max_pairs:
        kept = kept[max(0, len(kept) - max_pairs + 1) :]
    return (*kept, pair)
