"""ASN.1 parsing whose failures are this package's errors.

asn1crypto parses lazily and raises several kinds of exceptions on hostile bytes; every access
to a parsed structure happens inside :func:`parsing`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from card_reader.errors import CardError

_FAILURES = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
    NotImplementedError,
)


@contextmanager
def parsing(what: str, error: type[CardError]) -> Iterator[None]:
    """Turn any failure to parse inside the block into ``error``, naming ``what``."""
    try:
        yield
    except CardError:
        raise
    except _FAILURES as failure:
        raise error(f"{what} is malformed") from failure
