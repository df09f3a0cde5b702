"""QTI processing: an item's or a test's declarations and rules, read and run.

`read_program` makes a `Program` of the XML; `processed` runs it on responses. Pure: no database,
no clock, and randomness from a seed alone. docs/scoring.md tells what is done where the standard
leaves a choice.
"""

from question_bank.qti.processing import Processed, attempted, processed
from question_bank.qti.program import Program
from question_bank.qti.reading import read_program
from question_bank.qti.values import to_plain

__all__ = ["Processed", "Program", "attempted", "processed", "read_program", "to_plain"]
