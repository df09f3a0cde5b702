"""Marks for responses: exact decimals, rules as policies, replayable to the bit.

The same item version, response and SCORER_VERSION give the same Score for ever. A change that
could alter any mark raises the version.
"""

from question_bank.scoring.form import PaperScore, score_form
from question_bank.scoring.rules import SCORER_VERSION, Score, check_belongs, score

__all__ = ["SCORER_VERSION", "PaperScore", "Score", "check_belongs", "score", "score_form"]
