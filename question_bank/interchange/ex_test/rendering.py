"""From the tree to content: words, formulas, lists, tables and pictures as XHTML."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from question_bank.content import clean
from question_bank.errors import FileRefusedError, FormulaError
from question_bank.formulas import MAX_LATEX, mathml_of, source_of
from question_bank.interchange.ex_test import commands
from question_bank.interchange.ex_test.lists import LETTERS, entries, numbering
from question_bank.interchange.ex_test.pictures import Pictures
from question_bank.interchange.ex_test.pieces import (
    BREAK,
    Block,
    Piece,
    paragraphs,
    phrase,
    wrapped,
)
from question_bank.interchange.ex_test.source import Source, TexError
from question_bank.interchange.ex_test.tables import table
from question_bank.interchange.ex_test.tree import (
    Command,
    Comment,
    Cursor,
    Environment,
    Formula,
    Group,
    Node,
    Par,
    Text,
    Verbatim,
)
from question_bank.interchange.pictures import picture
from question_bank.interchange.problems import ProblemLog
from question_bank.item import Media

_LIGATURES = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"), ("`", "‘"), ("~", "\u00a0"))
_NOT_DRAWN = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="240" height="80" viewBox="0 0 240 80">'
    '<rect x="1" y="1" width="238" height="78" fill="none" stroke="#888"/>'
    '<text x="120" y="45" text-anchor="middle" font-size="16" fill="#555">TikZ</text></svg>'
)
MAX_NESTING = 100
MAX_FORMULAS = 4_000_000


# Takes a command that means something to the item itself; False where it does not.
Structure = Callable[[str, Command, Cursor], bool]


@dataclass(slots=True)
class Budget:
    """How much of formulas one file may hold, so that reading it ends in time."""

    left: int = MAX_FORMULAS

    def spend(self, characters: int, file: str) -> None:
        """Raises FileRefusedError where nothing is left."""
        self.left -= max(characters, 20)
        if self.left < 0:
            raise FileRefusedError(f"{file}: too many formulas for one file; split it")


@dataclass(slots=True)
class Renderer:
    """Renders the pieces of one item; `media` collects its pictures."""

    source: Source
    log: ProblemLog
    pictures: Pictures
    structure: Structure
    budget: Budget
    media: dict[str, Media] = field(default_factory=dict)
    depth: int = 0

    def blocks(self, nodes: Sequence[Node]) -> str:
        """Content made of paragraphs and blocks."""
        return clean(paragraphs(self.pieces(nodes)))

    def phrase(self, nodes: Sequence[Node]) -> str:
        """Content without a paragraph around it where it is a single one."""
        return clean(self.words(nodes))

    def words(self, nodes: Sequence[Node]) -> str:
        """The same not yet cleaned, as a part of something larger."""
        return phrase(self.pieces(nodes))

    def pieces(self, nodes: Sequence[Node]) -> list[Piece]:
        """The nodes in order, each rendered."""
        cursor = Cursor(nodes)
        out: list[Piece] = []
        self.depth += 1
        while (node := cursor.next()) is not None:
            if self.depth > MAX_NESTING:
                raise TexError(node.at, f"nested deeper than {MAX_NESTING} levels")
            out.extend(self._piece(node, cursor))
        self.depth -= 1
        return out

    def line(self, at: int) -> int:
        """The line of a place in the text."""
        return self.source.line_at(at)

    def _piece(self, node: Node, cursor: Cursor) -> Sequence[Piece]:
        match node:
            case Text(value=value):
                return (escape(_spelled(value)),)
            case Par():
                return (BREAK,)
            case Comment():
                return ()
            case Formula():
                return self._formula(node.latex, node.at, display=node.display)
            case Group():
                return self.pieces(node.children)
            case Verbatim():
                return self._verbatim(node)
            case Environment():
                return self._environment(node)
            case Command():
                return self._command(node, cursor)

    def _formula(self, latex: str, at: int, *, display: bool = False) -> Sequence[Piece]:
        if not latex.strip():
            return ()
        if len(latex) > MAX_LATEX:
            raise TexError(at, f"a formula of {len(latex)} characters; {MAX_LATEX} are possible")
        self.budget.spend(len(latex), self.log.file)
        try:
            mathml = mathml_of(latex, display=display)
        except FormulaError as error:
            self.log.warning(self.line(at), "formula", f"is shown as its LaTeX: {error}")
            mathml = source_of(latex)
        return (Block(f"<p>{mathml}</p>"),) if display else (mathml,)

    def _verbatim(self, node: Verbatim) -> Sequence[Piece]:
        if node.name == "verb":
            return (f"<code>{escape(node.value)}</code>",)
        if node.name in ("verbatim", "lstlisting", "minted"):
            return (Block(f"<pre>{escape(node.value.strip(chr(10)))}</pre>"),)
        return self._drawing(node)

    def _drawing(self, node: Verbatim) -> Sequence[Piece]:
        """A picture in source: its drawing where one was given, else a frame that keeps it."""
        try:
            found = self.pictures.drawing()
        except FileRefusedError as error:
            self.log.warning(self.line(node.at), node.name, str(error))
            found = None
        if found is not None:
            return self._shown(found, "")
        message = "is kept as source in place of the picture; draw it and put the picture in"
        self.log.warning(self.line(node.at), node.name, message)
        code = rf"\begin{{{node.name}}}{node.value}\end{{{node.name}}}"
        return self._shown(picture(_NOT_DRAWN.encode(), "frame.svg"), code)

    def _shown(self, media: Media, alt: str) -> Sequence[Piece]:
        self.media[media.id] = media
        return (f'<img src="media:{media.id}" alt={quoteattr(alt)}/>',)

    def _command(self, node: Command, cursor: Cursor) -> Sequence[Piece]:
        name = node.name
        if self.structure(name, node, cursor):
            return ()
        if handler := _HANDLERS.get(name):
            return handler(self, node, cursor)
        if name in commands.ACCENTS:
            return self._accent(node, cursor)
        if name in commands.WRAPPERS:
            return self._wrapper(node, cursor)
        if name in commands.FORMATS:
            return wrapped(commands.FORMATS[name], self.pieces(cursor.argument() or ()))
        if name in commands.DECLARATIONS:
            return wrapped(commands.DECLARATIONS[name], self.pieces(cursor.rest()))
        if name in commands.SIGNS:
            return (escape(commands.SIGNS[name]),)
        if name in commands.FORMULAS:
            return self._command_formula(node, cursor)
        if name in commands.LAYOUT:
            self.arguments(commands.LAYOUT[name], cursor)
            return ()
        if name in commands.ACTIVE:
            named = f"\\{name}{{{written(self.arguments('om', cursor))[:80]}}}"
            self.log.error(self.line(node.at), named, "reads or writes files and is refused")
            return ()
        self.log.warning(self.line(node.at), f"\\{name}", "is not known; what follows was kept")
        return ()

    def arguments(self, pattern: str, cursor: Cursor) -> Sequence[Node]:
        """Takes arguments after `pattern` ("o" optional, "m" mandatory); gives the last."""
        last: Sequence[Node] = ()
        for kind in pattern:
            taken = cursor.optional() if kind == "o" else cursor.argument()
            last = taken if taken is not None else last
        return last

    def _wrapper(self, node: Command, cursor: Cursor) -> Sequence[Piece]:
        shown = self.arguments(commands.WRAPPERS[node.name], cursor)
        if node.name == "href":
            self.log.warning(self.line(node.at), "\\href", "the link was left out, its text kept")
        pieces = self.pieces(shown)
        return [BREAK, *pieces, BREAK] if node.name.startswith("caption") else pieces

    def _accent(self, node: Command, cursor: Cursor) -> Sequence[Piece]:
        base = "".join(p for p in self.pieces(cursor.argument() or ()) if isinstance(p, str))
        base = base.replace("ı", "i") or " "
        return (unicodedata.normalize("NFC", base[0] + commands.ACCENTS[node.name]) + base[1:],)

    def _command_formula(self, node: Command, cursor: Cursor) -> Sequence[Piece]:
        end = node.end
        for kind in commands.FORMULAS[node.name]:
            if kind == "o":
                cursor.optional()
            elif (group := cursor.group()) is not None:
                end = group.end
        return self._formula(self.source.text[node.at : end], node.at)

    def _newline(self, _: Command, cursor: Cursor) -> Sequence[Piece]:
        cursor.length()
        return ("<br/>",)

    def _par(self, _: Command, __: Cursor) -> Sequence[Piece]:
        return (BREAK,)

    def _immini(self, node: Command, cursor: Cursor) -> Sequence[Piece]:
        cursor.optional()
        first, second = cursor.argument(), cursor.argument()
        if first is None or second is None:
            raise TexError(node.at, f"\\{node.name} has not its two arguments")
        return [*self.pieces(first), BREAK, *self.pieces(second), BREAK]

    def _picture(self, node: Command, cursor: Cursor) -> Sequence[Piece]:
        cursor.optional()
        name = written(cursor.argument() or ())
        try:
            found = self.pictures.find(name)
        except FileRefusedError as error:
            self.log.error(self.line(node.at), "\\includegraphics", str(error))
            return ()
        if found is None:
            message = f"the picture {name[:80]!r} is not beside the file; it is missing"
            self.log.error(self.line(node.at), "\\includegraphics", message)
            return ()
        return self._shown(found, "")

    def _next_drawing(self, _: Command, cursor: Cursor) -> Sequence[Piece]:
        self.pictures.named = written(cursor.argument() or ())
        return ()

    def _footnote(self, node: Command, cursor: Cursor) -> Sequence[Piece]:
        self.log.warning(self.line(node.at), "\\footnote", "stands in brackets where it was called")
        return [" (", *self.pieces(cursor.argument() or ()), ")"]

    def _reference(self, node: Command, cursor: Cursor) -> Sequence[Piece]:
        name = written(cursor.argument() or ())
        message = f"refers to {name[:40]!r} by its number, which is not known here"
        self.log.warning(self.line(node.at), f"\\{node.name}", message)
        return ()

    def _tikz(self, node: Command, cursor: Cursor) -> Sequence[Piece]:
        r"""`\tikz[…]{…}` or `\tikz … ;`"""
        cursor.optional()
        group = cursor.group()
        end = group.end if group is not None else node.end
        while group is None and (part := cursor.next()) is not None:
            end = part.at + 1
            if isinstance(part, Text) and part.value.endswith(";"):
                end = part.at + len(part.value)
                break
        return self._drawing(Verbatim("tikzpicture", self.source.text[node.end : end], node.at))

    def _environment(self, node: Environment) -> Sequence[Piece]:
        cursor = Cursor(node.children)
        name = node.name
        if name in commands.LISTS:
            return self._list(name, cursor)
        if name in commands.TABLES:
            self.arguments(commands.TABLES[name], cursor)
            return (Block(table(self, cursor.rest())),)
        if name in commands.PLACING:
            self.arguments(commands.PLACING[name], cursor)
        else:
            message = "is not known; what it holds was kept"
            self.log.warning(self.line(node.at), rf"\begin{{{name}}}", message)
        return [BREAK, *self.pieces(cursor.rest()), BREAK]

    def _list(self, name: str, cursor: Cursor) -> Sequence[Piece]:
        pattern, numbered = commands.LISTS[name]
        label = cursor.optional()
        if "m" in pattern:
            cursor.argument()
        numbered = numbering(written(label or ()), numbered)
        points = entries(cursor)
        if numbered == "a":
            return self._lettered(points)
        rendered = []
        for own_label, nodes in points:
            shown = "".join(self.inline(own_label)) + " " if own_label else ""
            rendered.append(f"<li>{shown}{self.words(nodes)}</li>")
        tag = "ol" if numbered else "ul"
        return (Block(f"<{tag}>{''.join(rendered)}</{tag}>") if rendered else BREAK,)

    def _lettered(self, points: Sequence[tuple[Sequence[Node], Sequence[Node]]]) -> list[Piece]:
        out: list[Piece] = [BREAK]
        for number, (own_label, nodes) in enumerate(points):
            letter = LETTERS[number] if number < len(LETTERS) else str(number + 1)
            label = "".join(self.inline(own_label)) or f"{letter})"
            out += [f"{label} ", *self.pieces(nodes), BREAK]
        return out

    def inline(self, nodes: Sequence[Node]) -> list[str]:
        """The words of the nodes, what stands apart left out."""
        return [piece for piece in self.pieces(nodes) if isinstance(piece, str)]


_Handler = Callable[[Renderer, Command, Cursor], Sequence[Piece]]
_HANDLERS: dict[str, _Handler] = {
    "\\": Renderer._newline,
    "newline": Renderer._newline,
    "break": Renderer._newline,
    "par": Renderer._par,
    "endgraf": Renderer._par,
    "immini": Renderer._immini,
    "imminiL": Renderer._immini,
    "immin": Renderer._immini,
    "includegraphics": Renderer._picture,
    "tikzsetnextfilename": Renderer._next_drawing,
    "footnote": Renderer._footnote,
    "ref": Renderer._reference,
    "eqref": Renderer._reference,
    "pageref": Renderer._reference,
    "cite": Renderer._reference,
    "tikz": Renderer._tikz,
}


def written(nodes: Sequence[Node]) -> str:
    """The plain letters of an argument that is a name or an option."""
    parts = []
    for node in nodes:
        match node:
            case Text(value=value):
                parts.append(value)
            case Command(name=name):
                parts.append("_" if name == "_" else f"\\{name} ")
            case Group(children=children):
                parts.append(written(children))
            case Formula(latex=latex):
                parts.append(latex)
            case _:
                pass
    return "".join(parts).strip()


def _spelled(value: str) -> str:
    for written_as, sign in _LIGATURES:
        value = value.replace(written_as, sign)
    return value
