"""LaTeX in the format of `ex_test`, in which Vietnamese teachers keep their questions.

Read, never run: a macro is a text with holes, a file that another names is not opened, and what
is not known is reported with its line.
"""

from question_bank.interchange.ex_test.reader import holds_ex_test, read_ex_test, read_ex_test_zip

__all__ = ["holds_ex_test", "read_ex_test", "read_ex_test_zip"]
