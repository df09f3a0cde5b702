"""Which answers count in the end; the same rule for the server and for whoever checks it; pure."""

from collections.abc import Iterable

from exam_server.contract.records import Answered, Record
from question_bank.response import Response, from_plain


def responses_of(records: Iterable[Record], attempt_key: bytes) -> dict[str, Response]:
    """Presented item id → the last response by epoch and number that was not cleared.

    `records` are those kept and those that an officer adopted. Raises ContractError or
    MalformedError where one does not open.
    """
    responses: dict[str, Response] = {}
    for record in sorted(records, key=lambda record: (record.epoch, record.sequence)):
        body, _at = record.open(attempt_key)
        if not isinstance(body, Answered):
            continue
        response = None if body.response is None else from_plain(body.response)
        if response is None or response.is_empty:
            responses.pop(body.item, None)
        else:
            responses[body.item] = response
    return responses
