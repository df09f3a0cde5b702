"""Formulas of calculated questions, as QTI expressions: `2*{a}+sqrt({b})`. Read, never run."""

import re
from collections.abc import Callable, Mapping

from question_bank.interchange.moodle.processing import floating, variable
from question_bank.interchange.moodle.questions import UnsupportedError, number_of

MAX_FORMULA = 1000
MAX_DEPTH = 40
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
    r"|\{(?P<variable>[^{}]+)\}|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>\*\*|[-+*/(),]))"
)
_SAME_NAME = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "abs",
              "ceil", "floor")  # fmt: skip
_OTHER_NAME = {"log10": "log", "deg2rad": "toRadians", "rad2deg": "toDegrees", "log": "ln"}


def _operator(name: str, *operands: str) -> str:
    return f"<qti-{name}>{''.join(operands)}</qti-{name}>"


def _function(name: str, *operands: str) -> str:
    return f'<qti-math-operator name="{name}">{"".join(operands)}</qti-math-operator>'


def _fmod(first: str, second: str) -> str:
    """The remainder with the sign of the first number."""
    whole = _operator("truncate", _operator("divide", first, second))
    return _operator("subtract", first, _operator("product", second, whole))


def _log(value: str, base: str) -> str:
    return _operator("divide", _function("ln", value), _function("ln", base))


def _rounded(value: str) -> str:
    return f'<qti-round-to rounding-mode="decimalPlaces" figures="0">{value}</qti-round-to>'


_ONE: dict[str, Callable[[str], str]] = {
    "sqrt": lambda value: _operator("power", value, _constant("0.5")),
    "round": _rounded,
}
_TWO: dict[str, Callable[[str, str], str]] = {
    "pow": lambda base, exponent: _operator("power", base, exponent),
    "atan2": lambda y, x: _function("atan2", y, x),
    "fmod": _fmod,
    "log": _log,
}


def _constant(text: str) -> str:
    return floating(number_of(text))


def expression_of(formula: str, variables: Mapping[str, str]) -> str:
    """The expression; `variables` are the template variables by the name in the formula.
    Raises UnsupportedError for what is no formula, or has a function that we have not."""
    if len(formula) > MAX_FORMULA:
        raise UnsupportedError(f"a formula of more than {MAX_FORMULA} characters")
    return _Parser(formula, variables).whole()


class _Parser:
    """sum := product (± product)*; product := signed (*/ signed)*; power is to the right."""

    def __init__(self, formula: str, variables: Mapping[str, str]) -> None:
        self._formula = formula.strip()
        self._variables = variables
        self._at = 0
        self._depth = 0

    def whole(self) -> str:
        value = self._sum()
        if self._at < len(self._formula):
            raise self._refused()
        return value

    def _refused(self) -> UnsupportedError:
        rest = self._formula[self._at : self._at + 30]
        return UnsupportedError(f"the formula {self._formula[:60]!r} is not understood at {rest!r}")

    def _peek(self) -> re.Match[str]:
        match = _TOKEN.match(self._formula, self._at)
        if match is None:
            raise self._refused()
        return match

    def _takes(self, *signs: str) -> str:
        """The next sign, taken, if it is one of these."""
        match = _TOKEN.match(self._formula, self._at)
        if match is None or match["sign"] not in signs:
            return ""
        self._at = match.end()
        return str(match["sign"])

    def _needs(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._refused()

    def _sum(self) -> str:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnsupportedError(f"a formula nested deeper than {MAX_DEPTH} levels")
        value = self._product()
        while sign := self._takes("+", "-"):
            value = _operator("sum" if sign == "+" else "subtract", value, self._product())
        self._depth -= 1
        return value

    def _product(self) -> str:
        value = self._signed()
        while sign := self._takes("*", "/"):
            value = _operator("product" if sign == "*" else "divide", value, self._signed())
        return value

    def _signed(self) -> str:
        sign = self._takes("+", "-")
        if not sign:
            return self._power()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnsupportedError(f"a formula nested deeper than {MAX_DEPTH} levels")
        value = self._signed()
        self._depth -= 1
        return value if sign == "+" else _operator("product", _constant("-1"), value)

    def _power(self) -> str:
        base = self._atom()
        return _operator("power", base, self._signed()) if self._takes("**") else base

    def _atom(self) -> str:
        if self._takes("("):
            value = self._sum()
            self._needs(")")
            return value
        match = self._peek()
        if match["number"]:
            self._at = match.end()
            return _constant(match["number"])
        if match["variable"]:
            name = match["variable"].strip()
            if name not in self._variables:
                raise UnsupportedError(f"the variable {name[:40]!r} has no values in the file")
            self._at = match.end()
            return variable(self._variables[name])
        if match["name"]:
            self._at = match.end()
            return self._call(match["name"].lower())
        raise self._refused()

    def _call(self, name: str) -> str:
        self._needs("(")
        operands: list[str] = []
        if not self._takes(")"):
            operands.append(self._sum())
            while self._takes(","):
                operands.append(self._sum())
            self._needs(")")
        return _called(name, operands)


def _called(name: str, operands: list[str]) -> str:
    if name == "pi" and not operands:
        return '<qti-math-constant name="pi"/>'
    if name in ("min", "max") and len(operands) >= 2:
        return _operator(name, *operands)
    if len(operands) == 1 and name in _ONE:
        return _ONE[name](operands[0])
    if len(operands) == 1 and (name in _SAME_NAME or name in _OTHER_NAME):
        return _function(_OTHER_NAME.get(name, name), operands[0])
    if len(operands) == 2 and name in _TWO:
        return _TWO[name](operands[0], operands[1])
    raise UnsupportedError(f"the function {name[:30]} of {len(operands)} numbers is not known")
