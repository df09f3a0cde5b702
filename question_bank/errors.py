"""What question_bank raises. Every message is one line that says what is wrong and where."""


class QuestionBankError(Exception):
    """The root: input that question_bank refuses."""


class MalformedError(QuestionBankError):
    """Plain data (CBOR, JSON) without the shape it must have."""


class ContentError(QuestionBankError):
    """A fragment of content that is no XHTML or holds what is not allowed."""


class ItemError(QuestionBankError):
    """An item whose interaction, key and scoring rule do not fit together."""


class AssemblyError(QuestionBankError):
    """A base form that cannot be arranged into a form."""


class ScoringError(QuestionBankError):
    """A response that does not belong to the item or the form it is scored against."""


class LifecycleError(QuestionBankError):
    """A step in an item's life that the table does not allow."""


class FileRefusedError(QuestionBankError):
    """A file that cannot be read at all: unknown format, damaged, or hostile."""


class FormulaError(QuestionBankError):
    """LaTeX that cannot become MathML."""
