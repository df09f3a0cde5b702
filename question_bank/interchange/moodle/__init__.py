"""Moodle's formats in: its XML, GIFT, Aiken and texts with gaps (cloze); and its XML out. What has
no place is named.
"""

from question_bank.interchange.moodle.aiken import is_aiken, read_aiken
from question_bank.interchange.moodle.embedded import is_cloze
from question_bank.interchange.moodle.gift import is_gift, read_gift
from question_bank.interchange.moodle.plain_cloze import read_cloze
from question_bank.interchange.moodle.writer import write_moodle
from question_bank.interchange.moodle.xml import is_moodle_xml, read_moodle_xml

__all__ = [
    "is_aiken", "is_cloze", "is_gift", "is_moodle_xml", "read_aiken", "read_cloze", "read_gift",
    "read_moodle_xml", "write_moodle",
]  # fmt: skip
