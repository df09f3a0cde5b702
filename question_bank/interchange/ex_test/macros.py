r"""`\newcommand` and its kin, as a file defines them for itself: read, and put in where used.

Nothing runs: a macro is a text with holes. Its body is expanded when it is defined, by what was
defined before it, so nothing is recursive; sizes are bounded.
"""

import re
from dataclasses import dataclass

from question_bank.errors import FileRefusedError, FormulaError
from question_bank.interchange.ex_test.source import Source
from question_bank.interchange.problems import ProblemLog
from question_bank.latex import UnclosedError, argument, optional, skip_blank

MAX_BODY = 20_000
MAX_GROWTH = 2_000_000
MAX_USES = 200_000
_DEFINING = "newcommand renewcommand providecommand def gdef let DeclareMathOperator"
# The words of this format: a file that redefines them changes their look, not their meaning.
PROTECTED = frozenset(
    ("choice", "choiceTF", "choiceTFt", "choiceTFn", "shortans", "True", "loigiai", "begin", "end",
     "item", "immini", "heva", "hoac", "vv", "includegraphics", "ce", "input", "text", "textbf",
     "frac", "dfrac", "sqrt", "left", "right", "Opensolutionfile", "Closesolutionfile", "match",
     "with", "sochc")
)  # fmt: skip
_TOKEN = re.compile(r"%[^\n]*|\\([A-Za-z@]+)\*?|\\.", re.DOTALL)
_NAME = re.compile(r"\\([A-Za-z@]+|.)", re.DOTALL)
_HOLE = re.compile(r"#([1-9])")


@dataclass(frozen=True, slots=True)
class Macro:
    """`body` with `#1` to `#holes`; the first has a `default` where it is optional."""

    body: str
    holes: int = 0
    default: str | None = None


def expand(source: Source, log: ProblemLog) -> Source:
    """The source with the file's own macros put in and their definitions taken out."""
    if not re.search(rf"\\(?:{_DEFINING.replace(' ', '|')})(?![A-Za-z])", source.text):
        return source
    return _Expansion(source, log).run()


class _Expansion:
    def __init__(self, source: Source, log: ProblemLog) -> None:
        self.source = source
        self.text = source.text
        self.log = log
        self.macros: dict[str, Macro] = {}
        self.out: list[str] = []
        self.length = 0
        self.uses = 0
        self.result = Source("", source.newlines, [], [], [])

    def run(self) -> Source:
        at = copied = 0
        while match := _TOKEN.search(self.text, at):
            at = match.end()
            name = match[1] or ""
            if name in _DEFINING.split():
                self._put(self.text[copied : match.start()], copied, literal=True)
                at = copied = self._define(name, match)
            elif name in self.macros:
                self._put(self.text[copied : match.start()], copied, literal=True)
                at = copied = self._use(name, match)
        self._put(self.text[copied:], copied, literal=True)
        self.result.text = "".join(self.out)
        if not self.result.starts:
            self._put("", 0, literal=True)
        return self.result

    def _put(self, text: str, origin: int, *, literal: bool) -> None:
        self.result.starts.append(self.length)
        self.result.origins.append(origin)
        self.result.literal.append(literal)
        self.out.append(text)
        self.length += len(text)
        if self.length > len(self.text) + MAX_GROWTH:
            raise FileRefusedError(f"{self.log.file}: its macros blow the text up; expand them")

    def _define(self, kind: str, match: re.Match[str]) -> int:
        line = self.source.line_at(match.start())
        try:
            name, macro, end = _definition(self.text, kind, match.end())
        except UnclosedError as error:
            raise FileRefusedError(f"{self.log.file}:{line}: \\{kind}: {error}") from None
        except FormulaError as error:
            self.log.warning(line, f"\\{kind}", f"cannot be read and was left out ({error})")
            return match.end()
        if name in PROTECTED:
            return end
        body = self._expanded(macro.body)
        if len(body) > MAX_BODY:
            self.log.error(line, f"\\{name}", f"a macro of more than {MAX_BODY} characters")
        else:
            self.macros[name] = Macro(body, macro.holes, macro.default)
        return end

    def _expanded(self, body: str) -> str:
        """The body with the macros known so far put in, as long as it stays small."""
        out: list[str] = []
        at = size = 0
        while size <= MAX_BODY and (match := _TOKEN.search(body, at)):
            piece, end = body[at : match.end()], match.end()
            if match[1] in self.macros:
                try:
                    put, end = self._filled(self.macros[match[1]], body, match.end())
                except FormulaError:
                    return body
                piece = body[at : match.start()] + put
            out.append(piece)
            size += len(piece)
            at = end
        return "".join((*out, body[at:]))

    def _use(self, name: str, match: re.Match[str]) -> int:
        self.uses += 1
        if self.uses > MAX_USES:
            raise FileRefusedError(f"{self.log.file}: its macros are used too often; expand them")
        try:
            put, end = self._filled(self.macros[name], self.text, match.end())
        except FormulaError as error:
            line = self.source.line_at(match.start())
            self.log.error(line, f"\\{name}", f"is used without its arguments ({error})")
            del self.macros[name]
            return match.start()
        self._put(put, match.start(), literal=False)
        return end

    def _filled(self, macro: Macro, text: str, at: int) -> tuple[str, int]:
        filled: list[str] = []
        if macro.default is not None:
            given, at = optional(text, at)
            filled.append(macro.default if given is None else given)
        while len(filled) < macro.holes:
            given, at = argument(text, at)
            filled.append(given)
        body = _HOLE.sub(lambda hole: _hole(filled, int(hole[1])), macro.body)
        # The command took the space behind it; the body's last command must not meet a letter.
        if not macro.holes:
            at = skip_blank(text, at) if "\n\n" not in text[at : at + 2] else at
        if re.search(r"\\[A-Za-z]+$", body) and text[at : at + 1].isalpha():
            body += " "
        return body, at


def _hole(filled: list[str], number: int) -> str:
    return filled[number - 1] if number <= len(filled) else ""


def _definition(text: str, kind: str, at: int) -> tuple[str, Macro, int]:
    name, at = _name(text, at)
    if kind == "let":
        at = skip_blank(text, at)
        target, at = argument(text, at + 1 if text.startswith("=", at) else at)
        return name, Macro(target), at
    if kind in ("def", "gdef"):
        brace = text.find("{", at)
        pattern = text[at:brace].strip() if brace >= 0 else "?"
        if not re.fullmatch(r"(#[1-9])*", pattern):
            raise FormulaError("its parameters are not plain #1, #2, …")
        body, at = argument(text, brace)
        return name, Macro(_one_line(body), pattern.count("#")), at
    if kind == "DeclareMathOperator":
        body, at = argument(text, at)
        return name, Macro(rf"\operatorname{{{_one_line(body)}}}"), at
    count, at = optional(text, at)
    default = None
    if count is not None:
        default, at = optional(text, at)
        if not count.strip().isdigit():
            raise FormulaError("the number of its arguments is no number")
    body, at = argument(text, at)
    return name, Macro(_one_line(body), min(int(count or 0), 9), default), at


def _name(text: str, at: int) -> tuple[str, int]:
    found, end = argument(text, at)
    match = _NAME.fullmatch(found.strip())
    if match is None:
        raise FormulaError("it names no command")
    return match[1], end


def _one_line(body: str) -> str:
    return re.sub(r"\s*\n\s*", " ", re.sub(r"(?<!\\)%[^\n]*\n?", "", body))
