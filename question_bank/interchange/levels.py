"""Cognitive levels and processes as people name them, in Vietnamese and English."""

import unicodedata
from collections.abc import Mapping

from question_bank.interchange.word.phrases import LEVELS
from question_bank.metadata import Bloom, Level

_BY_NUMBER: Mapping[str, Level] = {"1": "N", "2": "H", "3": "V", "4": "C"}
_PROCESSES = {
    "remember": Bloom.REMEMBER, "remembering": Bloom.REMEMBER, "knowledge": Bloom.REMEMBER,
    "understand": Bloom.UNDERSTAND, "understanding": Bloom.UNDERSTAND,
    "comprehension": Bloom.UNDERSTAND, "apply": Bloom.APPLY, "applying": Bloom.APPLY,
    "application": Bloom.APPLY, "analyse": Bloom.ANALYSE, "analyze": Bloom.ANALYSE,
    "analysing": Bloom.ANALYSE, "analyzing": Bloom.ANALYSE, "analysis": Bloom.ANALYSE,
    "evaluate": Bloom.EVALUATE, "evaluating": Bloom.EVALUATE, "evaluation": Bloom.EVALUATE,
    "create": Bloom.CREATE, "creating": Bloom.CREATE, "synthesis": Bloom.CREATE,
    "nhớ": Bloom.REMEMBER, "ghi nhớ": Bloom.REMEMBER, "hiểu": Bloom.UNDERSTAND,
    "áp dụng": Bloom.APPLY, "phân tích": Bloom.ANALYSE, "đánh giá": Bloom.EVALUATE,
    "sáng tạo": Bloom.CREATE,
}  # fmt: skip


def level_named(words: str) -> Level | None:
    """The level that words, a letter or its number from 1 name; None for anything else."""
    named = _plain(words)
    return LEVELS.get(named) or _BY_NUMBER.get(named)


def process_named(words: str) -> Bloom | None:
    """The process of Bloom's taxonomy that words name; None for anything else."""
    return _PROCESSES.get(_plain(words))


def _plain(words: str) -> str:
    return " ".join(unicodedata.normalize("NFC", words).lower().split())
