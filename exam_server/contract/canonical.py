"""Canonical bytes: deterministic CBOR with a domain tag and a schema version.

Whatever is signed, chained or authenticated is exactly these bytes. The tag keeps the bytes of one
purpose from being taken for those of another.
"""

from typing import Any

import cbor2

from exam_server.contract.errors import ContractError

MAX_BYTES = 64 * 1024 * 1024


def encode(domain: str, schema: int, *fields: Any) -> bytes:
    """The canonical bytes of `fields` under `domain`, e.g. ``"truong-thi/record"``."""
    return cbor2.dumps([domain, schema, *fields], canonical=True)


def decode(domain: str, schema: int, data: bytes, *, fields: int) -> list[Any]:
    """The fields of `data`; ContractError unless it is canonical, of this domain and schema."""
    if len(data) > MAX_BYTES:
        raise ContractError(f"{domain}: longer than {MAX_BYTES} bytes")
    try:
        value = cbor2.loads(data, allow_indefinite=False, allow_duplicate_keys=False, max_depth=32)
    except (cbor2.CBORDecodeError, ValueError, RecursionError, OverflowError) as error:
        raise ContractError(f"{domain}: not CBOR") from error
    if not isinstance(value, list) or value[:2] != [domain, schema] or len(value) != fields + 2:
        raise ContractError(f"{domain}: another domain, schema or number of fields")
    if type(value[1]) is not int or _again(domain, value) != data:
        raise ContractError(f"{domain}: not in canonical form")
    return value[2:]


def _again(domain: str, value: list[Any]) -> bytes:
    """The canonical bytes of what was decoded: CBOR can tell of more than can be told again."""
    try:
        return cbor2.dumps(value, canonical=True)
    except (cbor2.CBOREncodeError, RecursionError) as error:
        raise ContractError(f"{domain}: not in canonical form") from error
