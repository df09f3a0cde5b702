"""One `ex` environment as an item."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from question_bank.content import plain_text
from question_bank.errors import ContentError, ItemError
from question_bank.interactions import ExtendedText
from question_bank.interchange.ex_test.answers import read_number
from question_bank.interchange.ex_test.codes import Told, read_comments
from question_bank.interchange.ex_test.columns import MATCH, WITH, Idea, ideas, matched
from question_bank.interchange.ex_test.pictures import Pictures
from question_bank.interchange.ex_test.rendering import Budget, Renderer, written
from question_bank.interchange.ex_test.segments import Segment
from question_bank.interchange.ex_test.source import Source, TexError
from question_bank.interchange.ex_test.tree import (
    Command,
    Comment,
    Cursor,
    Environment,
    Group,
    Node,
    Par,
    Text,
    is_blank,
    parse,
)
from question_bank.interchange.problems import ProblemLog
from question_bank.item import (
    MAX_OPTIONS,
    ChoiceKey,
    ClusterKey,
    GradedCluster,
    Interaction,
    Item,
    Key,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    Option,
    SingleChoice,
    TrueFalseCluster,
)
from question_bank.keys import NoKey
from question_bank.policies import MarkingPolicy

CHOICES = frozenset(("choice", "choiceEX", "motcot", "haicot", "boncot"))
CLUSTERS = frozenset(("choiceTF", "choiceTFt", "choiceTFn", "choiceTFEX"))
SHORT = frozenset(("shortans", "shortansTF", "SA"))
SOLUTIONS = frozenset(("loigiai", "huongdan", "loigiaichitiet", "giai"))
OTHER_KINDS = frozenset(("matching", "essay", "essayans", "tuluanans", "answer"))
RESULT = "dapso"  # printed beside the question where answers are shown
ANSWERING = CHOICES | CLUSTERS | SHORT | SOLUTIONS | OTHER_KINDS | {MATCH, WITH, RESULT}
_UNKNOWN = "\\{}: no public source says how its key is written"
_REFUSED = {"matching": "\\{} is no command of ex_test, which writes \\match … \\with"}
MAX_SOURCE = 400_000
_POINTS = re.compile(r"\(?(\d{1,2}(?:[.,]\d{1,2})?)\s*(?:điểm|đ)\)?", re.IGNORECASE)
_NAMED = re.compile(r"[A-Za-z]{1,4}\.\d{1,12}")


@dataclass(slots=True)
class _Parts:
    """What the commands of the format say, collected while the stem is rendered."""

    source: Source
    log: ProblemLog
    command: Command | None = None
    options: list[Sequence[Node]] = field(default_factory=list)
    columns: dict[str, list[Idea]] = field(default_factory=dict)
    answer: str = ""
    solution: list[Node] = field(default_factory=list)
    in_stem: bool = True

    def take(self, name: str, node: Command, cursor: Cursor) -> bool:
        """Takes a command of the format; False where it is none."""
        if name in CLUSTERS or (name in CHOICES and (name == "choice" or _has_group(cursor))):
            first = self._first(node)
            cursor.optional()
            options = _groups(cursor)
            if first:
                self.options = options
            return True
        if name in SHORT:
            first = self._first(node)
            cursor.optional()
            group = cursor.group()  # also of one that is left out: an answer is no text to show
            if first and group:
                self.answer = self.source.text[group.at + 1 : group.end - 1]
            return True
        if name in (MATCH, WITH):
            self._column(name, node, ideas(cursor))
            return True
        if name in SOLUTIONS:
            cursor.optional()
            self.solution += cursor.argument() or ()
            return True
        if name == RESULT:
            cursor.optional()
            result = cursor.argument() or ()
            self.solution += [Text("ĐS: ", node.at), *result, Par(node.at)]
            return True
        if name == "True":
            self.log.warning(self.source.line_at(node.at), "\\True", "marks nothing here")
            return True
        if name in OTHER_KINDS:
            raise TexError(node.at, _REFUSED.get(name, _UNKNOWN).format(name))
        return False

    def _column(self, name: str, node: Command, column: list[Idea]) -> None:
        """Takes a column of ideas; `\\with` is the second one of a `\\match`."""
        if name == WITH and (MATCH not in self.columns or WITH in self.columns):
            raise TexError(node.at, "\\with has no \\match before it")
        if name == WITH or self._first(node):
            self.columns[name] = column

    def _first(self, node: Command) -> bool:
        if not self.in_stem:
            raise TexError(node.at, f"\\{node.name} stands inside an option or a solution")
        if self.command is None:
            self.command = node
            return True
        message = f"is a second way to answer, after \\{self.command.name}, and was left out"
        self.log.error(self.source.line_at(node.at), f"\\{node.name}", message)
        return False


def _has_group(cursor: Cursor) -> bool:
    at = cursor.at
    found = cursor.group() is not None
    cursor.at = at
    return found


def _groups(cursor: Cursor) -> list[Sequence[Node]]:
    groups: list[Sequence[Node]] = []
    while len(groups) <= MAX_OPTIONS and (group := cursor.group()) is not None:
        groups.append(group.children)
    return groups


@dataclass(frozen=True, slots=True)
class ItemReader:
    """Reads the items of one file."""

    source: Source
    log: ProblemLog
    pictures: Pictures
    policy: MarkingPolicy
    language: str
    budget: Budget = field(default_factory=Budget)

    def read(self, segment: Segment, name: str) -> Item | None:
        """The item of one environment, None (and an error in the log) where it cannot be taken."""
        line = self.source.line_at(segment.at)
        before = len(self.log.problems)
        try:
            return self._item(segment, name)
        except TexError as error:
            self.log.error(self.source.line_at(error.at), segment.name, error.message)
        except (ContentError, ItemError) as error:
            self.log.error(line, segment.name, str(error))
        # Without the item, what happened to its pieces says nothing more.
        del self.log.problems[before:-1]
        return None

    def _item(self, segment: Segment, name: str) -> Item:
        if segment.end - segment.start > MAX_SOURCE:
            raise TexError(segment.at, f"more than {MAX_SOURCE} characters for one item")
        nodes = parse(self.source.text, segment.start, segment.end)
        told, title, body = self._head(segment, nodes)
        body, solution = _solutions_apart(body)
        parts = _Parts(self.source, self.log, solution=list(solution))
        renderer = Renderer(self.source, self.log, self.pictures, parts.take, self.budget)
        stem = renderer.blocks(body)
        parts.in_stem = False
        if is_empty(stem):
            raise TexError(segment.at, "an item without a question")
        interaction, key = self._asked(parts, renderer)
        self._told_by_name(segment, interaction)
        scoring, points = self.policy.marking(interaction, told.metadata.subject)
        said = _POINTS.fullmatch(title)
        if said and isinstance(scoring, GradedCluster):
            message = f"{title!r} was left out: a cluster has the marks of 2025"
            self.log.warning(self.source.line_at(segment.at), "points", message)
        elif said:
            points = Decimal(said[1].replace(",", "."))
        return Item(
            id=title if _NAMED.fullmatch(title) else name,
            stem=stem,
            interaction=interaction,
            key=key,
            scoring=scoring,
            points=points,
            metadata=told.metadata,
            explanation=renderer.blocks(parts.solution),
            media=tuple(renderer.media.values()),
        )

    def _head(self, segment: Segment, nodes: Sequence[Node]) -> tuple[Told, str, Sequence[Node]]:
        """(metadata, title, the rest): the comments and the `[…]` that an item begins with."""
        cursor = Cursor(nodes)
        title = written(cursor.optional() or ())
        skipped = nodes[: cursor.at]
        comments = [node.value for node in skipped if isinstance(node, Comment)]
        while (node := cursor.next()) is not None and is_blank(node):
            if isinstance(node, Comment):
                comments.append(node.value)
        told = read_comments(comments, self.language)
        if not told.metadata.code and segment.before:
            told = read_comments((*comments, segment.before), self.language)
        if title and not _NAMED.fullmatch(title) and not _POINTS.fullmatch(title):
            told = Told(told.metadata, (title, *told.notes))
        for note in told.notes:
            message = f"{note[:80]!r}: no field of the metadata takes it"
            self.log.warning(self.source.line_at(segment.at), "note", message)
        return told, title, ([node, *cursor.rest()] if node is not None else ())

    def _asked(self, parts: _Parts, renderer: Renderer) -> tuple[Interaction, Key]:
        """An item without a way to answer asks for a text, which people mark."""
        if parts.command is None:
            return ExtendedText(), NoKey()
        return self._answering(parts.command, parts, renderer)

    def _told_by_name(self, segment: Segment, interaction: Interaction) -> None:
        """Says where an environment is not what its name says: `bt` are essays, `vd` examples."""
        line = self.source.line_at(segment.at)
        if segment.name == "vd":
            self.log.warning(line, "vd", "an example is taken as an item")
        elif segment.name == "bt" and not isinstance(interaction, ExtendedText):
            self.log.warning(line, "bt", "is taken as an item that is no essay: it has an answer")
        elif segment.name in ("ex", "chc") and isinstance(interaction, ExtendedText):
            self.log.warning(line, segment.name, "has no way to answer; it is taken as an essay")

    def _answering(
        self, command: Command, parts: _Parts, renderer: Renderer
    ) -> tuple[Interaction, Key]:
        if command.name in SHORT:
            return self._short(command, parts.answer)
        if command.name == MATCH:
            return self._match(command, parts.columns, renderer)
        marked = [_marked(nodes) for nodes in parts.options]
        if not 2 <= len(marked) <= MAX_OPTIONS:
            raise TexError(command.at, f"\\{command.name} has {len(marked)} options")
        if len(marked) != 4:
            message = f"has {len(marked)} options; four are usual"
            self.log.warning(self.source.line_at(command.at), f"\\{command.name}", message)
        first = "a" if command.name in CLUSTERS else "A"
        options = []
        for number, (nodes, _) in enumerate(marked):
            shown = renderer.phrase(nodes)
            if is_empty(shown):
                raise TexError(command.at, f"option {number + 1} of \\{command.name} is empty")
            options.append(Option(chr(ord(first) + number), shown))
        right = [option.id for option, (_, true) in zip(options, marked, strict=True) if true]
        if command.name in CLUSTERS:
            return self._cluster(options, right)
        return self._choice(command, options, right)

    def _match(
        self, command: Command, columns: Mapping[str, Sequence[Idea]], renderer: Renderer
    ) -> tuple[Interaction, Key]:
        def shown(nodes: Sequence[Node]) -> str:
            content = renderer.phrase(nodes)
            if is_empty(content):
                raise TexError(command.at, "an idea of \\match is empty")
            return content

        return matched(command, columns[MATCH], columns.get(WITH, ()), shown)

    def _cluster(self, options: Sequence[Option], right: Sequence[str]) -> tuple[Interaction, Key]:
        key = ClusterKey({option.id: option.id in right for option in options})
        return TrueFalseCluster(tuple(options)), key

    def _choice(
        self, command: Command, options: Sequence[Option], right: Sequence[str]
    ) -> tuple[Interaction, Key]:
        if not right:
            raise TexError(command.at, "no option is marked \\True; the key is missing")
        if len(right) == 1:
            return SingleChoice(tuple(options)), ChoiceKey(tuple(right))
        message = f"has {len(right)} right options; it is taken as a multiple choice"
        self.log.warning(self.source.line_at(command.at), f"\\{command.name}", message)
        return MultipleChoice(tuple(options)), ChoiceKey(tuple(right))

    def _short(self, command: Command, answer: str) -> tuple[Interaction, Key]:
        if not answer.strip():
            raise TexError(command.at, f"\\{command.name} holds no answer; the key is missing")
        found = read_number(answer, command.at)
        if found.is_doubtful:
            message = (
                f"{answer.strip()[:40]!r} was read as {found.text}, its points parting thousands"
            )
            self.log.warning(self.source.line_at(command.at), f"\\{command.name}", message)
        longest = max(NumericEntry().max_length, len(found.text))
        return NumericEntry(max_length=longest, unit=found.unit), NumericKey(found.value)


def _marked(nodes: Sequence[Node]) -> tuple[Sequence[Node], bool]:
    """An option without its `\\True`, at whatever depth, and whether it had one."""
    kept: list[Node] = []
    true = False
    for node in nodes:
        if isinstance(node, Command) and node.name == "True":
            true = True
            continue
        if isinstance(node, Group | Environment):
            children, inside = _marked(node.children)
            node, true = (replace(node, children=children) if inside else node), true or inside
        kept.append(node)
    return kept, true


def _solutions_apart(nodes: Sequence[Node]) -> tuple[Sequence[Node], Sequence[Node]]:
    """(the nodes without `loigiai` environments, what those hold)."""
    rest: list[Node] = []
    solution: list[Node] = []
    for node in nodes:
        if isinstance(node, Environment) and node.name in SOLUTIONS:
            solution += node.children
        else:
            rest.append(node)
    return rest, solution


def is_empty(html: str) -> bool:
    """Whether content shows nothing."""
    return not plain_text(html) and "<img" not in html
