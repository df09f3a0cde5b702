"""What is fuzzed, and when a case is right.

A case is right when the code accepts it or raises its package's own error, whose text is one line
(with a remedy, where it is a `CardError`).  Any other exception is a finding, and so is a case that
takes `MAX_SECONDS` of computing.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from card_reader.errors import CardError

MAX_SECONDS = 5.0


class FindingError(AssertionError):
    """A property that does not hold."""


def require(condition: bool, what: str) -> None:
    """Raise a finding unless the property holds."""
    if not condition:
        raise FindingError(what)


@dataclass(frozen=True, slots=True)
class Target:
    """`check` takes a case and raises where a property does not hold.

    The case of a `script` target writes down what to do (`seeds` may be empty); any other case is
    itself the hostile input, and best made by changing a seed. `refusal`: the error that may be
    raised.
    """

    name: str
    check: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    script: bool = False
    refusal: type[Exception] = CardError

    def run(self, case: bytes) -> bool:
        """Whether the case was accepted; raises FindingError, or whatever the code let through."""
        started = time.process_time()
        accepted = True
        try:
            self.check(case)
        except self.refusal as error:
            accepted = False
            readable = "\n" not in str(error) and bool(getattr(error, "remedy", "none is asked"))
            require(readable, f"{self.name}: the error is no single line: {error!r}")
        slow = time.process_time() - started > MAX_SECONDS
        require(not slow, f"{self.name}: a case computes longer than {MAX_SECONDS:.0f} s")
        return accepted
