"""What lies in a record, once it is opened under the attempt's key."""

from functools import lru_cache

from exam_server.contract.records import Answered, Body, Flagged, Record, read_body
from question_bank.response import from_plain

#: What must be sealed by the deadline. A hand-in, and where the candidate looked, may come later.
TIMED = (Answered, Flagged)
#: A choice takes some fifty bytes, and thousands of candidates choose among the same few.
_SHORT = 128


def opened(record: Record, attempt_key: bytes) -> tuple[Body, int]:
    """Body and moment of a record whose response, if it has one, is well-formed.

    Raises ContractError or MalformedError. The body is not to be changed.
    """
    body, at = record.unsealed(attempt_key)
    return (_short(body) if len(body) <= _SHORT else _well_formed(body)), at


def _well_formed(data: bytes) -> Body:
    body = read_body(data)
    if isinstance(body, Answered) and body.response is not None:
        from_plain(body.response)
    return body


_short = lru_cache(maxsize=32_768)(_well_formed)
