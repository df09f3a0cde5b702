"""QTI 1.2 in: plain, and as Canvas, Respondus and Blackboard write it.

`reading` opens files and packages, `presentation` turns a `presentation` into texts and responses,
`conditions` reads and runs the `resprocessing`, `marks` finds the bank's rule that it is, `item`
makes the item.
"""

from question_bank.interchange.qti12.reading import is_qti12, is_qti12_package, read_qti12

__all__ = ["is_qti12", "is_qti12_package", "read_qti12"]
