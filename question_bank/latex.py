"""The little of LaTeX's syntax that everything here which reads it needs: groups and commands."""

import re

from question_bank.errors import FormulaError

COMMAND = re.compile(r"\\([A-Za-z]+\*?|.)", re.DOTALL)
# Escapes, comments, braces: what decides where a group ends.
_OPTIONAL = re.compile(r"\\.|[{}\]]", re.DOTALL)
_STRUCTURE = re.compile(r"\\.|%[^\n]*|[{}]", re.DOTALL)
_BLANK = re.compile(r"(?:\s|%[^\n]*\n?)*")


class UnclosedError(FormulaError):
    """A group or an optional argument that the text never closes."""


def skip_blank(text: str, at: int) -> int:
    """The place of the first character from `at` on that is neither white space nor comment."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


def group_end(text: str, at: int) -> int:
    """The place behind the `}` of the group whose `{` stands at `at`; raises FormulaError."""
    depth = 0
    for match in _STRUCTURE.finditer(text, at):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if not depth:
                return match.end()
    raise UnclosedError("a { is never closed")


def bracket_end(text: str, at: int) -> int:
    """The place behind the `]` of the optional argument that begins at `at`."""
    depth = 0
    for match in _OPTIONAL.finditer(text, at):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if match[0] == "]" and not depth:
            return match.end()
    raise UnclosedError("a [ is never closed")


def argument(text: str, at: int) -> tuple[str, int]:
    """The argument that begins at or after `at` (a group without its braces, a command or one
    character) and the place behind it; raises FormulaError where there is none."""
    at = skip_blank(text, at)
    if at >= len(text) or text[at] == "}":
        raise FormulaError("an argument is missing")
    if text[at] == "{":
        end = group_end(text, at)
        return text[at + 1 : end - 1], end
    match = COMMAND.match(text, at)
    end = match.end() if match else at + 1
    return text[at:end], end


def optional(text: str, at: int) -> tuple[str | None, int]:
    """The optional argument `[…]` at or after `at`, None where there is none."""
    start = skip_blank(text, at)
    if not text.startswith("[", start):
        return None, at
    end = bracket_end(text, start)
    return text[start + 1 : end - 1], end
