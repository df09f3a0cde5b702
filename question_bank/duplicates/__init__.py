"""Near-duplicates: which items of a bank ask the same, and what differs between them."""

from question_bank.duplicates.explaining import Explanation, explain
from question_bank.duplicates.index import Candidates, Index, Match, Matches, candidates, judged
from question_bank.duplicates.likeness import Alike, Likeness, compare
from question_bank.duplicates.sketch import Facet, Sketch, Traits, sketch_of, traits_of

__all__ = [
    "Alike", "Candidates", "Explanation", "Facet", "Index", "Likeness", "Match", "Matches",
    "Sketch", "Traits", "candidates", "compare", "explain", "judged", "sketch_of", "traits_of",
]  # fmt: skip
