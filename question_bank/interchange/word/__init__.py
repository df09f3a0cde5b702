"""Reading Word files (.docx) as item writers make them.

`parts` opens the package, `document` turns it into the plain model of `model` (with `styles`,
`numbering`, `drawings` and `latex_text`), `tables` and `scan` find the questions, `options` and
`keys` what belongs to each, and `items` makes the items.
"""

from question_bank.interchange.word.reading import is_word, read_word

__all__ = ["is_word", "read_word"]
