"""An item as `question-bank show --json` tells of it: plain texts, white space collapsed."""

from question_bank.content import media_ids, part_ids, plain_text, texts_of_parts
from question_bank.interactions import (
    Area,
    Composite,
    GapMatch,
    HotText,
    Interaction,
    media_of,
    pieces_of,
)
from question_bank.item import Item
from question_bank.keys import (
    ChoiceKey,
    ClusterKey,
    CompositeKey,
    Key,
    NoKey,
    NumericKey,
    OrderKey,
    PairsKey,
    PointsKey,
    TextKey,
)


def item_summary(item: Item) -> dict[str, object]:
    """id, kind, stem, options, key, points, media; `parts` of a composite; stimulus, explanation
    and `text` (that of a gap match or hot text) where there are some."""
    stimulus = item.stimulus
    contents = [item.stem, stimulus.content if stimulus else ""]
    shown = {name for fragment in contents for name in media_ids(fragment)}
    shown |= set(media_of(item.interaction))
    summary: dict[str, object] = {
        "id": item.id,
        "kind": item.kind,
        "stem": plain_text(item.stem),
        **_interaction(item.interaction),
        "key": _key(item),
        "points": float(item.points),
        "media": [media.id for media in item.media if media.id in shown],
    }
    if isinstance(item.interaction, Composite) and isinstance(item.key, CompositeKey):
        summary["parts"] = [
            {
                "id": part.id,
                "kind": part.interaction.kind,
                **_interaction(part.interaction),
                "key": key_summary(item.key.parts[part.id]),
            }
            for part in item.interaction.parts
        ]
    if stimulus is not None:
        summary["stimulus"] = {"id": stimulus.id, "text": plain_text(stimulus.content)}
    if item.explanation:
        summary["explanation"] = plain_text(item.explanation)
    return summary


def _key(item: Item) -> object:
    """A gap in a text is one thing to answer, whether or not its text has room for more."""
    if isinstance(item.key, CompositeKey) and len(item.key.parts) == 1:
        (only,) = item.key.parts.values()
        return key_summary(only)
    return key_summary(item.key)


def _interaction(interaction: Interaction) -> dict[str, object]:
    options = [
        {"id": p.id, "text": p.label if isinstance(p, Area) else plain_text(p.content)}
        for p in pieces_of(interaction)
    ]
    match interaction:
        case GapMatch(text=text):
            return {"text": plain_text(text), "options": options, "gaps": list(part_ids(text))}
        case HotText(text=text):
            words = texts_of_parts(text)
            return {"text": plain_text(text), "options": [{"id": i, "text": t} for i, t in words]}
        case _:
            return {"options": options}


def key_summary(key: Key) -> object:
    """Ids for choices and orders, "true" and "false" for clusters, a number with a point, the
    accepted texts, pairs and points "A B", a map of them by part; empty where nothing is right
    by itself."""
    match key:
        case ChoiceKey(options=options) | OrderKey(order=options):
            return list(options)
        case ClusterKey(values=values):
            return ["true" if truth else "false" for truth in values.values()]
        case NumericKey(value=value):
            return format(value, "f")
        case TextKey(accepted=accepted):
            return list(accepted)
        case PairsKey(pairs=pairs):
            return [" ".join(pair) for pair in pairs]
        case PointsKey(points=points):
            return [f"{x} {y}" for x, y in points]
        case NoKey():
            return []
        case CompositeKey(parts=parts):
            return {name: key_summary(part) for name, part in parts.items()}
