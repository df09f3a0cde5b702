"""Head codes that people read from a kiosk's screen: how they are typed, kept and compared."""

import re
from datetime import datetime

from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts.fencing_models import NotedHead
from exam_server.attempts.models import Attempt
from exam_server.attempts.service import Officer
from exam_server.errors import NotPossibleError, Objection

#: `contract.receipt.head_code`: four groups of four characters of base 32.
_CHARACTERS = re.compile(r"[A-Z2-7]{16}")
#: What is taken for a letter of base 32 where people write by hand.
_MISREAD = str.maketrans("018", "OIB")


def clean_code(typed: str) -> str | None:
    """The code as `head_code` writes it, however it was typed; None where it is none."""
    plain = re.sub(r"[\s.\-–]", "", typed).upper().translate(_MISREAD)
    if not _CHARACTERS.fullmatch(plain):
        return None
    return "-".join(plain[start : start + 4] for start in range(0, 16, 4))


def note(
    session: Session,
    attempt: Attempt,
    typed: str,
    *,
    epoch: int,
    officer: Officer,
    reason: str,
    now: datetime,
) -> None:
    """Keeps the code that the station of `epoch` showed. The first noting stands."""
    code = clean_code(typed)
    if code is None:
        raise NotPossibleError(
            Objection.BAD_VALUE, "a head code has sixteen characters, in four groups of four"
        )
    if not 0 < epoch <= attempt.epoch:
        raise NotPossibleError(Objection.WRONG_STATE, "no station has written this attempt yet")
    if session.get(NotedHead, (attempt.centre_id, attempt.id, epoch, code)) is not None:
        return
    session.add(
        NotedHead(
            attempt_id=attempt.id,
            epoch=epoch,
            code=code,
            centre_id=attempt.centre_id,
            reason=reason.strip(),
            noted_by=officer.id,
            noted_at=now,
        )
    )
    audit.record(
        session,
        actor=officer.actor,
        action="head_noted",
        subject=f"attempt:{attempt.id}",
        details={"epoch": epoch, "code": code, "reason": reason.strip()},
        now=now,
    )


def noted(session: Session, attempt: Attempt) -> list[NotedHead]:
    """What was noted of an attempt, the latest first."""
    return list(
        session.exec(
            select(NotedHead)
            .where(NotedHead.centre_id == attempt.centre_id, NotedHead.attempt_id == attempt.id)
            .order_by(col(NotedHead.noted_at).desc())
        )
    )
