r"""LaTeX text as a tree: words, formulas, commands, groups, environments. Nothing is executed.

Formulas, pictures in TikZ and verbatim text stay as they are written.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from question_bank.interchange.ex_test.source import TexError

MAX_DEPTH = 60
MAX_OPTIONAL = 200
RAW = frozenset(
    ("tikzpicture", "circuitikz", "pspicture", "picture", "asy", "tikzcd", "verbatim", "lstlisting",
     "comment", "minted", "filecontents", "filecontents*")
)  # fmt: skip
# Displayed formulas; the first group's own names mean nothing beyond that.
_BARE = frozenset(("equation", "equation*", "displaymath", "math"))
MATHEMATICAL = _BARE | frozenset(
    ("align", "align*", "gather", "gather*", "eqnarray", "eqnarray*", "multline", "multline*",
     "flalign", "flalign*", "aligned", "cases", "array", "matrix", "pmatrix", "bmatrix", "vmatrix")
)  # fmt: skip
_TOKEN = re.compile(
    r"""(?P<comment>%[^\n]*\n?)
    |(?P<begin>\\begin\s*\{(?P<opened>[^{}\n]{1,60})\})
    |(?P<end>\\end\s*\{(?P<closed>[^{}\n]{1,60})\})
    |(?P<verb>\\verb\*?(?P<quote>[^A-Za-z\s*])(?P<inner>[^\n]*?)(?P=quote))
    |(?P<math>\$\$|\$|\\\(|\\\[)
    |(?P<command>\\(?:[A-Za-z@]+\*?|.))
    |(?P<open>\{)|(?P<close>\})|(?P<bracket>[\[\]])|(?P<amp>&)
    |(?P<space>\s+)
    |(?P<text>[^\\%${}\[\]&\s]+(?:[ ][^\\%${}\[\]&\s]+)*|\\)""",
    re.VERBOSE | re.DOTALL,
)
_LENGTH = re.compile(r"[-+]?[\d.,]+(pt|mm|cm|em|ex|in|bp|pc)$")
_DOLLAR = re.compile(r"\\.|%[^\n]*|[${}]|\n[ \t]*\n", re.DOTALL)
_CLOSING = {"$": "$", "$$": "$$", r"\(": r"\)", r"\[": r"\]"}


@dataclass(frozen=True, slots=True)
class Text:
    """Words, a bracket, an `&`, or a single space."""

    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Par:
    """An empty line."""

    at: int


@dataclass(frozen=True, slots=True)
class Comment:
    """What stands behind a `%`."""

    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Formula:
    """LaTeX of a formula as it is written."""

    latex: str
    display: bool
    at: int


@dataclass(frozen=True, slots=True)
class Command:
    r"""`\name`; its arguments, if any, are the nodes that follow. `end` is behind the name."""

    name: str
    at: int
    end: int


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text or a picture's source as it is written, of an environment of that name."""

    name: str
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Group:
    """What stands between braces; `end` is behind the closing one."""

    children: "Sequence[Node]"
    at: int
    end: int


@dataclass(frozen=True, slots=True)
class Environment:
    """What stands between `\\begin{name}` and `\\end{name}`, arguments first."""

    name: str
    children: "Sequence[Node]"
    at: int


Node = Text | Par | Comment | Formula | Command | Verbatim | Group | Environment


@dataclass(slots=True)
class _Open:
    name: str | None
    at: int
    children: list[Node] = field(default_factory=list)


def parse(text: str, start: int, end: int) -> Sequence[Node]:
    """The tree of `text[start:end]`; raises TexError for what does not fit together."""
    return _Parser(text, start, end).run()


class _Parser:
    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.at, self.limit = text, start, end
        self.stack = [_Open(None, start)]
        self.after_command = False
        self.after_comment = False

    def run(self) -> Sequence[Node]:
        while self.at < self.limit:
            match = _TOKEN.match(self.text, self.at, self.limit)
            if match is None:
                raise TexError(self.at, "a character that no LaTeX has")
            self.at = match.end()
            kind = match.lastgroup or ""
            handler = getattr(self, f"_{_KINDS.get(kind, kind)}")
            handler(match)
            self.after_command = kind == "command" and match[0][1].isalpha()
            self.after_comment = kind == "comment"
        last = self.stack[-1]
        if len(self.stack) > 1:
            opened = "{" if last.name is None else rf"\begin{{{last.name}}}"
            raise TexError(last.at, f"{opened} is never closed")
        return last.children

    def _add(self, node: Node) -> None:
        self.stack[-1].children.append(node)

    def _push(self, name: str | None, at: int) -> None:
        if len(self.stack) > MAX_DEPTH:
            raise TexError(at, f"nested deeper than {MAX_DEPTH} levels")
        self.stack.append(_Open(name, at))

    def _comment(self, match: re.Match[str]) -> None:
        self._add(Comment(match[0][1:].strip(), match.start()))

    def _space(self, match: re.Match[str]) -> None:
        breaks = match[0].count("\n") + self.after_comment
        if breaks > 1:
            self._add(Par(match.start()))
        elif not self.after_command and not self.after_comment:
            self._add(Text(" ", match.start()))

    def _text(self, match: re.Match[str]) -> None:
        self._add(Text(match[0], match.start()))

    def _command(self, match: re.Match[str]) -> None:
        name = match[0][1:]
        plain = name.rstrip("*") if name[0].isalpha() else name
        self._add(Command(plain, match.start(), match.end()))

    def _verb(self, match: re.Match[str]) -> None:
        self._add(Verbatim("verb", match["inner"], match.start()))

    def _open(self, match: re.Match[str]) -> None:
        self._push(None, match.start())

    def _close(self, match: re.Match[str]) -> None:
        closed = self.stack[-1]
        if len(self.stack) == 1 or closed.name is not None:
            raise TexError(match.start(), "a } closes nothing")
        self.stack.pop()
        self._add(Group(closed.children, closed.at, match.end()))

    def _begin(self, match: re.Match[str]) -> None:
        name = match["opened"].strip()
        if name in RAW:
            inner = self._raw(name, match)
            if name != "comment":
                self._add(Verbatim(name, inner, match.start()))
        elif name in MATHEMATICAL:
            inner = self._raw(name, match)
            latex = inner if name in _BARE else rf"\begin{{{name}}}{inner}\end{{{name}}}"
            self._add(Formula(_uncommented(latex), name != "math", match.start()))
        else:
            self._push(name, match.start())

    def _end(self, match: re.Match[str]) -> None:
        name = match["closed"].strip()
        closed = self.stack[-1]
        if len(self.stack) == 1 or closed.name is None:
            raise TexError(match.start(), rf"\end{{{name}}} ends nothing")
        if closed.name != name:
            raise TexError(match.start(), rf"\end{{{name}}} meets \begin{{{closed.name}}}")
        self.stack.pop()
        self._add(Environment(name, closed.children, closed.at))

    def _raw(self, name: str, match: re.Match[str]) -> str:
        """The source up to the environment's own end, which may hold others of its name."""
        marks = re.compile(rf"\\(begin|end)\s*\{{{re.escape(name)}\}}")
        depth = 1
        for mark in marks.finditer(self.text, match.end(), self.limit):
            depth += 1 if mark[1] == "begin" else -1
            if not depth:
                self.at = mark.end()
                return self.text[match.end() : mark.start()]
        raise TexError(match.start(), rf"\begin{{{name}}} is never ended")

    def _math(self, match: re.Match[str]) -> None:
        opening = match[0]
        end = self._math_end(opening, match.end())
        latex = self.text[match.end() : end]
        self.at = end + len(opening)
        self._add(Formula(_uncommented(latex), opening in ("$$", r"\["), match.start()))

    def _math_end(self, opening: str, start: int) -> int:
        closing, depth = _CLOSING[opening], 0
        for match in _DOLLAR.finditer(self.text, start, self.limit):
            found = match[0]
            if found.startswith("\n") or depth < 0:
                break
            depth += {"{": 1, "}": -1}.get(found, 0)
            if depth == 0 and self.text.startswith(closing, match.start()) and found[0] in "$\\":
                return match.start()
        raise TexError(start - len(opening), f"a formula that {opening} begins is never ended")


_KINDS = {"bracket": "text", "amp": "text"}


def _uncommented(latex: str) -> str:
    return re.sub(r"(\\.)|%[^\n]*\n?[ \t]*", lambda found: found[1] or "", latex, flags=re.DOTALL)


def is_blank(node: Node) -> bool:
    """Whether the node is white space or a comment."""
    return isinstance(node, Par | Comment) or (isinstance(node, Text) and node.value == " ")


class Cursor:
    """Reads nodes one after the other, and the arguments that commands ask for."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = list(nodes)
        self.at = 0

    def next(self) -> Node | None:
        """The next node, None at the end."""
        if self.at >= len(self.nodes):
            return None
        self.at += 1
        return self.nodes[self.at - 1]

    def rest(self) -> Sequence[Node]:
        """All that is left."""
        left = self.nodes[self.at :]
        self.at = len(self.nodes)
        return left

    def peek(self) -> Node | None:
        """The next node that is not blank, without taking it."""
        index = self._next_solid()
        return self.nodes[index] if index < len(self.nodes) else None

    def group(self) -> Group | None:
        """The next node if it is a group, else None and nothing is taken."""
        index = self._next_solid()
        node = self.nodes[index] if index < len(self.nodes) else None
        if not isinstance(node, Group):
            return None
        self.at = index + 1
        return node

    def argument(self) -> Sequence[Node] | None:
        """The next argument: a group's children, a command, or one character."""
        group = self.group()
        if group is not None:
            return group.children
        index = self._next_solid()
        if index >= len(self.nodes):
            return None
        node = self.nodes[index]
        self.at = index + 1
        if isinstance(node, Text) and len(node.value) > 1:
            self.at = index
            self.nodes[index] = Text(node.value[1:], node.at + 1)
            return (Text(node.value[0], node.at),)
        return (node,)

    def optional(self) -> Sequence[Node] | None:
        """The optional argument `[…]` that comes next, None where there is none."""
        index = self._next_solid()
        if index >= len(self.nodes) or not _is_text(self.nodes[index], "["):
            return None
        depth = 0
        for end in range(index, min(index + MAX_OPTIONAL, len(self.nodes))):
            depth += _is_text(self.nodes[end], "[") - _is_text(self.nodes[end], "]")
            if not depth:
                self.at = end + 1
                return self.nodes[index + 1 : end]
        return None

    def length(self) -> None:
        r"""Takes the `[2mm]` behind a `\\\\`; what is no length is left where it stands."""
        index = self._next_solid()
        following = self.nodes[index : index + 3]
        values = [node.value if isinstance(node, Text) else "" for node in following]
        if len(values) == 3 and values[0] == "[" and values[2] == "]" and _LENGTH.match(values[1]):
            self.at = index + 3

    def _next_solid(self) -> int:
        index = self.at
        while index < len(self.nodes) and is_blank(self.nodes[index]):
            index += 1
        return index


def _is_text(node: Node, value: str) -> bool:
    return isinstance(node, Text) and node.value == value
