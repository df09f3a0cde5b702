"""What an inspection must have come to; each says the whole outcome, so that it can fail."""

from inspection import Outcome

from card_reader.evidence import Downgrade

EXTERNAL_AUTHENTICATE, GENERAL_AUTHENTICATE = 0x82, 0x86


def accepted(outcome: Outcome, protocol: str = "bac", **report: object) -> None:
    """Read, authentic and opened with this protocol; ``report`` are further entries of it."""
    assert outcome.reason is None, outcome.message
    assert outcome.verdict == "authentic", outcome.report
    assert not outcome.findings
    assert outcome.access is not None
    assert (outcome.access.protocol, outcome.access.downgrade) == (protocol, None)
    assert {name: outcome.report[name] for name in report} == report


def refused(outcome: Outcome, *findings: str) -> None:
    """Read, and refused by the verifier for these reasons alone."""
    assert outcome.reason is None, outcome.message
    assert outcome.verdict == "refused"
    assert outcome.findings == frozenset(findings)


def ended(outcome: Outcome, reason: str, *words: str) -> None:
    """Given up while reading: no identity, no verdict.  ``words`` stand in the message."""
    assert outcome.reason == reason, (outcome.message, outcome.report)
    assert outcome.verdict is None
    assert all(word in outcome.message for word in words), outcome.message


def aborted(outcome: Outcome, reason: str, *words: str) -> None:
    """PACE was given up, and nothing weaker was tried in its place."""
    ended(outcome, reason, *words)
    assert not sent(outcome, EXTERNAL_AUTHENTICATE)


def downgraded(outcome: Outcome, downgrade: Downgrade) -> None:
    assert outcome.access is not None
    assert outcome.access.downgrade is downgrade


def sent(outcome: Outcome, ins: int) -> list[bytes]:
    """The commands with this instruction."""
    return [command for command in outcome.commands if command[1] == ins]
