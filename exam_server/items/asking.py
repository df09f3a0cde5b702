"""What the address of the list asks for."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from exam_server.items.finding import Sort, Span, Use, Wanted
from exam_server.items.statistics import THOUSAND
from exam_server.web.rendering import ZONE
from exam_server.web.visit import member
from question_bank.lifecycle import State

MAX_TYPED = 200
MAX_ANSWERS = 10**9
#: The conditions that the page folds away; the address of any of them opens them.
FURTHER = (
    "grade", "level", "kind", "code", "language", "author", "tag", "used", "since", "p_from",
    "p_to", "r_from", "answers",
)  # fmt: skip


def wanted_of(query: Mapping[str, str], officer_id: str) -> Wanted:
    """The conditions of a query; what cannot be read is none."""

    def asked(name: str) -> str:
        return query.get(name, "").replace("\0", "").strip()[:MAX_TYPED]

    return Wanted(
        text=asked("q"),
        state=member(State, asked("state")),
        subject=asked("subject"),
        grade=asked("grade"),
        topic=asked("topic"),
        level=asked("level"),
        kind=asked("kind"),
        code=asked("code"),
        language=asked("language"),
        author=asked("author"),
        tag=asked("tag"),
        owner=officer_id if asked("mine") else "",
        secret=True if asked("secret") else None,
        used=member(Use, asked("used")),
        since=_day(asked("since")),
        difficulty=_span(asked, "p"),
        discrimination=_span(asked, "r"),
        answers=_count(asked("answers")),
        sort=member(Sort, asked("sort")) or Sort.BEST,
    )


def _span(asked: Callable[[str], str], name: str) -> Span:
    return Span(_thousandths(asked(f"{name}_from")), _thousandths(asked(f"{name}_to")))


def _thousandths(typed: str) -> int | None:
    """A number from −1 to 1, with a point or a comma."""
    try:
        value = Decimal(typed.replace(",", ".").replace("\N{MINUS SIGN}", "-"))
    except InvalidOperation:
        return None
    return round(value * THOUSAND) if value.is_finite() and -1 <= value <= 1 else None


def _count(typed: str) -> int:
    return min(int(typed[:12]), MAX_ANSWERS) if typed.isascii() and typed.isdigit() else 0


def _day(typed: str) -> datetime | None:
    """The beginning of a day where the exams are."""
    try:
        return datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=ZONE)
    except ValueError:
        return None
