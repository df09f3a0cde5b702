"""An item as two byte strings: what may be shown, and what never leaves the server.

Both are canonical CBOR of the parts of the bank's own stored form (`question_bank.records`).
Tolerance, points and scoring rule say something about the answer, so they stand with the key.
"""

from typing import Any

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError
from exam_server.errors import ServerError
from question_bank.errors import QuestionBankError
from question_bank.item import Item
from question_bank.records import item_from_plain, item_to_plain

BODY = "truong-thi/item-body"
ANSWER_KEY = "truong-thi/item-answer-key"
SECRET = ("key", "scoring", "points")
TOLERANCE = "tolerance"


class StoredItemError(ServerError):
    """Bytes in the database that are no item."""


def _halves(item: Item) -> tuple[dict[str, Any], dict[str, Any]]:
    """What may be shown, and the secret rest."""
    shown: dict[str, Any] = item_to_plain(item)
    secret = {name: shown.pop(name) for name in SECRET}
    secret[TOLERANCE] = shown["interaction"].pop(TOLERANCE, None)
    return shown, secret


def body_of(item: Item) -> bytes:
    """Everything of `item` that a form may show, and what the bank knows about it."""
    return canonical.encode(BODY, 1, _halves(item)[0])


def answer_key_of(item: Item) -> bytes:
    """Key, scoring rule, points and tolerance."""
    return canonical.encode(ANSWER_KEY, 1, _halves(item)[1])


def item_from(body: bytes, answer_key: bytes) -> Item:
    """The item that both halves make; StoredItemError where they make none."""
    try:
        (shown,) = canonical.decode(BODY, 1, body, fields=1)
        (secret,) = canonical.decode(ANSWER_KEY, 1, answer_key, fields=1)
        tolerance = secret.pop(TOLERANCE)
        if tolerance is not None:
            shown["interaction"][TOLERANCE] = tolerance
        return item_from_plain({**shown, **secret})
    except (ContractError, QuestionBankError, TypeError, KeyError, AttributeError) as error:
        raise StoredItemError(f"a stored item cannot be read: {error}") from error
