"""Keys of one question by who told them; where two disagree, the more trusted one is taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word.drafts import Draft
from question_bank.interchange.word.keys import Letters, StatedKey, Truths, stated_key

_KeyT = TypeVar("_KeyT", Letters, Truths)


@dataclass(slots=True)
class Told:
    """Who told which key, the most trusted first."""

    keys: list[tuple[str, StatedKey]] = field(default_factory=list)

    def add(self, source: str, key: StatedKey | None) -> None:
        """Adds a key, if there is one, as less trusted than those before."""
        if key is not None:
            self.keys.append((source, key))

    def agreed(self, log: ProblemLog, draft: Draft, kind: type[_KeyT]) -> _KeyT | None:
        """The most trusted key; others that say otherwise are reported."""
        keys = [(source, key) for source, key in self.keys if isinstance(key, kind)]
        if not keys:
            return None
        first, chosen = keys[0]
        for source, key in keys[1:]:
            if key != chosen:
                log.warning(
                    draft.paragraph, "key",
                    f"{first} says {_spoken(chosen)}, {source} says {_spoken(key)}; the former "
                    "is taken",
                )  # fmt: skip
        return chosen


def stated_of(draft: Draft, apart: Sequence[StatedKey]) -> StatedKey | None:
    """The key that its column, else a table of answers states."""
    return (stated_key(draft.key) if draft.key else None) or next(iter(apart), None)


def tell_stated(told: Told, draft: Draft, apart: Sequence[StatedKey]) -> None:
    """Adds what the key's column and the tables of answers say."""
    told.add("the key's column", stated_key(draft.key))
    for key in apart:
        told.add("the answers' table", key)


def _spoken(key: Letters | Truths) -> str:
    if isinstance(key, Letters):
        return ", ".join(key.letters)
    return "".join("Đ" if truth else "S" for truth in key.truths)
