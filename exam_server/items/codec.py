"""An item as two byte strings: what may be shown, and what never leaves the server.

Both are canonical CBOR of the parts of the bank's own stored form (`question_bank.records`).
Tolerance, points, scoring rule and explanation say something about the answer, so they stand with
the key.
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
TOLERANCE, EXPLANATION = "tolerance", "explanation"
#: The tolerances of a composite's parts, by part.
TOLERANCES = "tolerances"


class StoredItemError(ServerError):
    """Bytes in the database that are no item."""


def _halves(item: Item) -> tuple[dict[str, Any], dict[str, Any]]:
    """What may be shown, and the secret rest."""
    shown: dict[str, Any] = item_to_plain(item)
    secret = {name: shown.pop(name) for name in SECRET}
    secret[TOLERANCE] = shown["interaction"].pop(TOLERANCE, None)
    if EXPLANATION in shown:
        secret[EXPLANATION] = shown.pop(EXPLANATION)
    tolerances = {
        part["id"]: part["interaction"].pop(TOLERANCE)
        for part in _parts(shown)
        if TOLERANCE in part["interaction"]
    }
    return shown, secret | ({TOLERANCES: tolerances} if tolerances else {})


def _parts(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a composite, none of other items."""
    parts: list[dict[str, Any]] = shown["interaction"].get("parts", [])
    return parts


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
        tolerances = secret.pop(TOLERANCES, {})
        for part in _parts(shown):
            if part["id"] in tolerances:
                part["interaction"][TOLERANCE] = tolerances[part["id"]]
        return item_from_plain({**shown, **secret})
    except (ContractError, QuestionBankError, TypeError, KeyError, AttributeError) as error:
        raise StoredItemError(f"a stored item cannot be read: {error}") from error
