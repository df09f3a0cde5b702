"""What comes back of the items that a document was written of."""

from collections.abc import Sequence

from question_bank.errors import QuestionBankError
from question_bank.interchange.problems import Imported, ProblemLog
from question_bank.interchange.sameness import unlike
from question_bank.interchange.word.reading import read_word
from question_bank.item import Item


def read_again(data: bytes, file: str) -> Imported:
    """What our reader finds in a document."""
    try:
        return read_word(data, file)
    except QuestionBankError:
        return Imported()


def compare(items: Sequence[Item], data: bytes, log: ProblemLog) -> None:
    """Reads the document, and names every item that is not in it as it was."""
    read = {item.id: item for item in read_again(data, log.file).items}
    for item in items:
        again = read.get(item.id)
        if again is None:
            log.warning(None, item.kind, f"{item.id}: our reader does not find it again")
        elif fields := unlike(item, again):
            log.warning(None, item.kind, f"{item.id}: comes back otherwise: {', '.join(fields)}")
