"""Spreadsheets in: .xlsx, .ods, .csv and .tsv, one question a row.

`xlsx`, `ods` and `delimited` give sheets of cells (`cells`), `headings` knows the columns, `texts`
makes content of a cell, `rows` items of rows, `kinds` finds what a row asks and its key. `template`
writes an empty spreadsheet with the headings.
"""

from question_bank.interchange.spreadsheet.delimited import is_table
from question_bank.interchange.spreadsheet.ods import is_ods
from question_bank.interchange.spreadsheet.reading import read_delimited, read_ods, read_xlsx
from question_bank.interchange.spreadsheet.xlsx import is_xlsx

__all__ = ["is_ods", "is_table", "is_xlsx", "read_delimited", "read_ods", "read_xlsx"]
