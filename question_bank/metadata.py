"""What a bank knows about an item beside what the item asks; a candidate is shown none of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, get_args

# Cognitive level: Nhận biết, Thông hiểu, Vận dụng, vận dụng Cao.
Level = Literal["N", "H", "V", "C"]
LEVELS: tuple[Level, ...] = get_args(Level)
MAX_ENEMIES = 100


class Bloom(StrEnum):
    """The cognitive process of Bloom's revised taxonomy (Anderson and Krathwohl, 2001)."""

    REMEMBER = "remember"
    UNDERSTAND = "understand"
    APPLY = "apply"
    ANALYSE = "analyse"
    EVALUATE = "evaluate"
    CREATE = "create"


#: The four levels of Vietnamese examinations are Bloom's six with the upper three as one.
PROCESSES: Mapping[Level, tuple[Bloom, ...]] = MappingProxyType(
    {
        "N": (Bloom.REMEMBER,),
        "H": (Bloom.UNDERSTAND,),
        "V": (Bloom.APPLY,),
        "C": (Bloom.ANALYSE, Bloom.EVALUATE, Bloom.CREATE),
    }
)


def level_of(bloom: Bloom) -> Level:
    """The level that a process is of."""
    return next(level for level, processes in PROCESSES.items() if bloom in processes)


def bloom_of(level: Level) -> Bloom | None:
    """The process that a level means; None where it may be one of several."""
    processes = PROCESSES[level]
    return processes[0] if len(processes) == 1 else None


@dataclass(frozen=True, slots=True)
class ItemMetadata:
    """`topic` is a code or name of the subject's topic tree (`question_bank.topics`), or any other
    text; `code` is the writers' own, like 2D1H3-1 (`question_bank.item_code`); `source` says where
    the item comes from; `enemies` are the ids of items that must not stand in one form with it.
    """

    subject: str = ""
    grade: str = ""
    topic: str = ""
    level: Level | None = None
    code: str = ""
    language: str = ""
    author: str = ""
    bloom: Bloom | None = None
    source: str = ""
    enemies: tuple[str, ...] = ()

    @property
    def known_level(self) -> Level | None:
        """The level, or that of the process where only that is said."""
        return self.level or (None if self.bloom is None else level_of(self.bloom))

    @property
    def known_bloom(self) -> Bloom | None:
        """The process, or the one that the level means where only that is said."""
        return self.bloom or (None if self.level is None else bloom_of(self.level))
