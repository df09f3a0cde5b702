"""What a person typed into a page's fields, and the faults that are told beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from question_bank.errors import ContentError, FormulaError
from question_bank.writing import content_from

MAX_SHORT = 200


@dataclass(slots=True)
class Typed:
    """What stands in the fields, by name; `errors` by the same names, `detail` for some of them."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    #: Details that are in Vietnamese; the others are what the readers say, in English.
    vietnamese: set[str] = field(default_factory=set)

    def wrong(self, name: str, error: str, detail: str = "") -> None:
        self.errors.setdefault(name, error)
        if detail:
            self.details.setdefault(name, detail)

    def content(self, name: str, before: Mapping[str, str], kept: str) -> str:
        """The content that was typed; the very same as `kept` where nothing was changed."""
        text = self.values.get(name, "")
        if text.replace("\r\n", "\n").strip() == before.get(name, "").strip():
            return kept
        try:
            return content_from(text)
        except FormulaError as error:
            self.wrong(name, "formula", str(error))
        except ContentError as error:
            self.wrong(name, "content", str(error))
        return kept

    def decimal(self, name: str, *, least: Decimal | None = None) -> Decimal:
        """The number that was typed, with a comma or a point."""
        text = self.values.get(name, "").replace(",", ".").replace("\N{MINUS SIGN}", "-")
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if len(text) > MAX_SHORT or not value.is_finite() or (least is not None and value < least):
            self.wrong(name, "missing" if not text else "number")
            return Decimal(0)
        return value

    def whole(self, name: str, least: int, most: int) -> int:
        """The whole number that was typed, within its bounds; where 0 is possible nothing is 0."""
        text = self.values.get(name, "") or ("0" if least == 0 else "")
        if not (text.isascii() and text.isdigit() and least <= int(text[:7]) <= most):
            self.wrong(name, "number" if text else "missing")
            return least
        return int(text)


def number_text(value: Decimal) -> str:
    """A number as a person reads it in a field."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
